"""Plots of a run: curves over steps, IoU of every class at every step, predictions."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

CURVES = (('miou_base', 'mIoU base'), ('miou_novel', 'mIoU novel'), ('miou_all', 'mIoU all'))


def draw(work_dir: Path, folder: Path, results: Sequence[dict]) -> None:
    """Write ``curves.png``, ``iou_matrix.png`` and ``samples.png`` into the folder of a step.

    Args:
        work_dir: Folder of the run, with the samples of the steps so far.
        folder: Folder of the latest step.
        results: Entries of results.json up to it.
    """
    curves(results).savefig(folder / 'curves.png', dpi=120)
    iou_matrix(results).savefig(folder / 'iou_matrix.png', dpi=120)
    samples(work_dir, [entry['step'] for entry in results]).savefig(
        folder / 'samples.png', dpi=120
    )


def curves(results: Sequence[dict]) -> Figure:
    """mIoU of base, novel and all classes, in percent, over the steps."""
    figure = Figure(figsize=(6, 4), layout='constrained')
    axes = figure.subplots()
    for key, title in CURVES:
        points = [(e['step'], e[key]) for e in results if e[key] is not None]
        if points:
            axes.plot(*zip(*points, strict=True), marker='o', label=title)
    axes.set(xlabel='step', ylabel='mIoU (%)', ylim=(0, 100))
    axes.set_xticks([entry['step'] for entry in results])
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def iou_matrix(results: Sequence[dict]) -> Figure:
    """IoU in percent, a row a step, a column a class, in the order of learning."""
    names = list(results[-1]['per_class_iou'])
    table = np.array(
        [[_number(entry['per_class_iou'].get(name)) for name in names] for entry in results]
    )
    figure = Figure(
        figsize=(2 + 0.55 * len(names), 1.6 + 0.5 * len(results)), layout='constrained'
    )
    axes = figure.subplots()
    colours = matplotlib.colormaps['viridis'].with_extremes(bad='#dddddd')
    picture = axes.imshow(np.ma.masked_invalid(table), cmap=colours, vmin=0, vmax=100, aspect='auto')
    if len(names) <= 30:
        for (row, column), value in np.ndenumerate(table):
            if not np.isnan(value):
                colour = 'white' if value < 60 else 'black'
                axes.text(
                    column, row, f'{value:.0f}', ha='center', va='center', color=colour, fontsize=8
                )
    axes.set_xticks(range(len(names)), names, rotation=60, ha='right', fontsize=8)
    axes.set_yticks(range(len(results)), [f'step {entry["step"]}' for entry in results])
    figure.colorbar(picture, label='IoU (%)')
    return figure


def samples(work_dir: Path, steps: Sequence[int]) -> Figure:
    """Fixed test images: a column each; image, ground truth and the prediction of every step."""
    last = work_dir / f'step_{steps[-1]}' / 'samples'
    count = len(list(last.glob('*_image.png')))
    rows = [('image', last, 'image'), ('ground truth', last, 'truth')]
    rows += [(f'step {t}', work_dir / f'step_{t}' / 'samples', 'prediction') for t in steps]
    figure = Figure(figsize=(1.6 * count + 0.8, 1.6 * len(rows)), layout='constrained')
    grid = figure.subplots(len(rows), count, squeeze=False)
    for line, (title, folder, kind) in zip(grid, rows, strict=True):
        for number, axes in enumerate(line):
            axes.set(xticks=[], yticks=[])
            file = folder / f'{number}_{kind}.png'
            if file.exists():
                with Image.open(file) as picture:
                    axes.imshow(np.asarray(picture.convert('RGB')))
        line[0].set_ylabel(title)
    return figure


def _number(iou: float | None) -> float:
    return np.nan if iou is None else iou
