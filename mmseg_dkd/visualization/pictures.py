"""Plots of a run: curves over steps, IoU of every class at every step, predictions."""

import filecmp
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image, ImageOps

from .drawing import as_written

CURVES = (('miou_base', 'mIoU base'), ('miou_novel', 'mIoU novel'), ('miou_all', 'mIoU all'))
DPI = 120
# Of a sample, in pixels.
HEIGHT, GAP = 190, 6
PALEST = 245
COLOUR_SHARE = 0.75
LEGEND_ROWS = 4


def draw(work_dir: Path, folder: Path, results: Sequence[dict]) -> None:
    """Write ``curves.png``, ``iou_matrix.png`` and ``samples.png`` into the folder of a step.

    Args:
        work_dir: Folder of the run, with the samples of the steps so far.
        folder: Folder of the latest step.
        results: Entries of results.json up to it.
    """
    curves(results).savefig(folder / 'curves.png', dpi=DPI)
    iou_matrix(results).savefig(folder / 'iou_matrix.png', dpi=DPI)
    samples(work_dir, [entry['step'] for entry in results]).savefig(folder / 'samples.png', dpi=DPI)


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


@as_written
def iou_matrix(results: Sequence[dict]) -> Figure:
    """IoU in percent: one row per step, one column per class, in the order of learning."""
    names = list(results[-1]['per_class_iou'])
    table = np.array(
        [[_number(entry['per_class_iou'].get(name)) for name in names] for entry in results]
    )
    # Numbers need room; without them the columns of 151 classes are as narrow as their names.
    numbered = len(names) <= 30
    width, font_size = (0.55, 8) if numbered else (0.13, 6)
    figure = Figure(
        figsize=(2 + width * len(names), 1.6 + 0.5 * len(results)), layout='constrained'
    )
    axes = figure.subplots()
    colours = matplotlib.colormaps['viridis'].with_extremes(bad='#dddddd')
    picture = axes.imshow(
        np.ma.masked_invalid(table), cmap=colours, vmin=0, vmax=100, aspect='auto'
    )
    if numbered:
        for (row, column), value in np.ndenumerate(table):
            if not np.isnan(value):
                colour = 'white' if value < 60 else 'black'
                axes.text(
                    column, row, f'{value:.0f}', ha='center', va='center', color=colour, fontsize=8
                )
    axes.set_xticks(
        range(len(names)),
        names,
        rotation=60 if numbered else 90,
        ha='right' if numbered else 'center',
        fontsize=font_size,
    )
    axes.set_yticks(range(len(results)), [f'step {entry["step"]}' for entry in results])
    figure.colorbar(picture, label='IoU (%)', pad=0.01)
    return figure


@as_written
def samples(work_dir: Path, steps: Sequence[int]) -> Figure:
    """Fixed test images, one per column: image, ground truth and the prediction of every step.

    See :func:`read_samples`; below them is a legend of the classes shown.
    """
    found = read_samples(work_dir, steps)
    columns = [_with_gaps(cells, axis=0) for cells in found.cells]
    sheet = _with_gaps(columns, axis=1).astype(np.uint8)
    height, width = np.divide(sheet.shape[:2], DPI)
    figure = Figure(figsize=(width + 0.5, height + 0.6), layout='constrained')
    axes = figure.subplots()
    axes.imshow(sheet)
    centres = [(HEIGHT + GAP) * row + HEIGHT / 2 for row in range(len(found.titles))]
    axes.set_yticks(centres, found.titles, rotation=90, va='center')
    axes.tick_params(left=False)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    shown = found.largest(LEGEND_ROWS * len(columns))
    figure.legend(
        handles=[Patch(color=colour / 255, label=name) for name, colour in shown.items()],
        loc='outside lower center',
        ncols=len(columns),
        fontsize=9,
        frameon=False,
    )
    return figure


@dataclass(frozen=True)
class Samples:
    """Pictures of the fixed test images.

    Args:
        titles: ``'image'``, ``'ground truth'``, then ``'step K'``.
        cells: A picture for every image and title, ``[h, w, 3]`` in 0 .. 255, all of the same
            height.
        pixels: ``[images, titles, 256]``: number of pixels of each label in each picture.
        names: Names of the classes, by label.
        colours: ``[256, 3]``, by label.
    """

    titles: list[str]
    cells: list[list[np.ndarray]]
    pixels: np.ndarray
    names: list[str]
    colours: np.ndarray

    def largest(self, count: int) -> dict[str, np.ndarray]:
        """Name and colour, as over background, of the (at most ``count``) classes with the most
        pixels, in the order of learning, background left out."""
        shown = _largest(self.pixels.sum((0, 1))[1 : len(self.names)], count)
        return {self.names[i]: tint(self.colours[i], PALEST) for i in shown + 1}


def read_samples(work_dir: Path, steps: Sequence[int]) -> Samples:
    """What :func:`mmseg_dkd.visualization.samples.predict_samples` has written at each step.

    Masks are laid over the paled image; background has no colour, void is white. A step whose
    samples are of other images than the last one's is left out.
    """
    last = work_dir / f'step_{steps[-1]}' / 'samples'
    rows = [('ground truth', last, 'truth')]
    folders = {t: work_dir / f'step_{t}' / 'samples' for t in steps}
    rows += [
        (f'step {t}', folder, 'prediction')
        for t, folder in folders.items()
        if _same_images(folder, last)
    ]
    columns, colours = [], np.full((256, 3), 255, np.uint8)
    pixels = np.zeros((len(list(last.glob('*_image.png'))), 1 + len(rows), 256), int)
    for number, counts in enumerate(pixels):
        with Image.open(last / f'{number}_image.png') as file:
            size = max(1, round(HEIGHT * file.width / file.height)), HEIGHT
            image = file.convert('RGB').resize(size)
        cells = [np.asarray(image)]
        pale = PALEST - np.asarray(ImageOps.invert(image.convert('L')), float)[..., None] / 4
        for row, (_, folder, kind) in enumerate(rows, 1):
            mask = _mask(folder / f'{number}_{kind}.png', size, colours)
            counts[row] = np.bincount(mask.ravel(), minlength=256)
            cells.append(np.where(mask[..., None] > 0, tint(colours[mask], pale), pale))
        columns.append(cells)
    titles = ['image', *(title for title, _, _ in rows)]
    names = (last / 'classes.txt').read_text().splitlines()
    return Samples(titles, columns, pixels, names, colours)


def _same_images(folder: Path, last: Path) -> bool:
    """Whether the samples are of the same images: a run that has grown since may show others."""
    images = [(file, folder / file.name) for file in last.glob('*_image.png')]
    return all(not b.exists() or filecmp.cmp(a, b, shallow=False) for a, b in images)


def _mask(file: Path, size: tuple[int, int], colours: np.ndarray) -> np.ndarray:
    """Labels at the given (width, height); their colours are noted in ``colours``, [256, 3]."""
    if not file.exists():
        # A step that was run without samples.
        return np.zeros(size[::-1], np.uint8)
    with Image.open(file) as picture:
        palette = np.reshape(picture.getpalette(), (-1, 3))[:255]
        colours[: len(palette)] = palette
        return np.asarray(picture.resize(size, Image.Resampling.NEAREST))


def tint(colour: np.ndarray, pale: np.ndarray | float) -> np.ndarray:
    """A colour of a mask, laid over a paled image, in the same units."""
    return COLOUR_SHARE * colour + (1 - COLOUR_SHARE) * pale


def _with_gaps(pictures: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Pictures ``[h, w, 3]`` in a row or column on white."""
    shape = list(pictures[0].shape)
    shape[axis] = GAP
    gap = np.full(shape, 255)
    parts = [part for picture in pictures for part in (picture, gap)]
    return np.concatenate(parts[:-1], axis=axis)


def _largest(pixels: np.ndarray, count: int) -> np.ndarray:
    """Ascending indices of the (at most ``count``) largest numbers above 0."""
    order = np.argsort(-pixels, kind='stable')[:count]
    return np.sort(order[pixels[order] > 0])


def _number(iou: float | None) -> float:
    return np.nan if iou is None else iou
