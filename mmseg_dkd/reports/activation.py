"""Fig. 6: where two runs see a class, on test images with and without it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmseg.apis import init_model
from mmseg.registry import DATASETS

from ..datasets.reading import read_picture
from ..runs.manifest import finished_checkpoints
from ..runs.results import RESULTS, read_results
from ..runs.step import config_file
from ..scenario import Scenario
from ..utils.json_file import damaged
from ..visualization.drawing import as_written
from ..visualization.pictures import tint
from .figures import SIDES, finished_runs, labels_of, last_step
from .table import markdown, spread

# Images with the class, and as many without it.
COUNT = 2
COLOUR_MAP = 'OrRd'
PALEST = 0.96


class Viewer:
    """A run's model at the end of a step, with the test images of the step.

    Args:
        run: Folder of the run.
        step: A finished step.
        class_name: The class to look at; the step's first if omitted.

    Attributes:
        name: The class.
        iou: Its IoU in percent, from results.json; None where it occurs nowhere.
        dataset: The test images.

    Raises:
        FileNotFoundError: If the test images or the checkpoint are gone.
        ValueError: If the class is not known at the step.
    """

    def __init__(self, run: Path, step: int, class_name: str | None = None) -> None:
        cfg = Config.fromfile(config_file(run, step))
        checkpoint = finished_checkpoints(run)[step]
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
        self.model = init_model(cfg, str(checkpoint), device)
        self.dataset = DATASETS.build(cfg.test_dataloader.dataset)
        classes = self.dataset.metainfo['classes']
        self.name = class_name or classes[1 + len(Scenario(**cfg.scenario).old(step))]
        if self.name not in classes[1:]:
            raise ValueError(
                f'{run} knows no class {self.name!r} at step {step}: name one of '
                f'{", ".join(classes[1:])}'
            )
        self.label = classes.index(self.name)
        scores = {e['step']: e['per_class_iou'] for e in read_results(run)}
        if self.name not in scores.get(step, {}):
            raise damaged(run / RESULTS, f'it has no {self.name!r} at step {step}')
        self.iou = scores[step][self.name]

    @torch.no_grad()
    def look(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Probability of the class (0 to 1), predicted labels and true ones of the index-th
        test image, ``[H, W]`` each, of its own size."""
        sample = self.model.test_step(pseudo_collate([self.dataset[index]]))[0]
        activation = 1 - self.model.decode_head.uncertainty(sample.seg_logits.data)[self.label]
        masks = sample.pred_sem_seg, sample.gt_sem_seg
        return activation.cpu().numpy(), *(mask.data.squeeze(0).cpu().numpy() for mask in masks)

    def measure(self) -> np.ndarray:
        """Of every test image, ``[images, 3]``: pixels of the class, the highest activation, and
        the share of pixels with an activation of at least 0.5."""
        rows = []
        for index in range(len(self.dataset)):
            activation, _, truth = self.look(index)
            area = np.count_nonzero(truth == self.label)
            rows.append((area, activation.max(), np.mean(activation >= 0.5)))
        return np.array(rows, float)


def compare(
    without: Path, within: Path, step: int | None = None, class_name: str | None = None
) -> tuple[Figure, str]:
    """Activation of a class by two rows' runs, from the first seed that both have.

    Args:
        without: Folder of the runs without the initialisation, or of a single one.
        within: Folder of those with it.
        step: The step; the last one if omitted.
        class_name: The class; the first one of the step if omitted.

    Returns:
        The figure, and a Markdown table of every seed: over the images without the class, the mean
        share of pixels with an activation of at least 0.5, and the IoU of the class, in percent.

    Raises:
        FileNotFoundError: If a row has no run that has finished the step, or no test images.
        ValueError: If the rows have no seed in common, other test images, or not the class.
    """
    rows = (without, within)
    runs = [finished_runs(row, step) for row in rows]
    seeds = [seed for seed in runs[0] if seed in runs[1]]
    if not seeds:
        raise ValueError(
            f'{without} ({", ".join(runs[0])}) and {within} ({", ".join(runs[1])}) have finished '
            'no seed in common: train both with the same --seeds'
        )
    if step is None:
        step = last_step(runs[0][seeds[0]])
    figures: list[Figure] = []
    cells = []
    for seed in seeds:
        viewers = [Viewer(found[seed], step, class_name) for found in runs]
        if viewers[0].dataset.names != viewers[1].dataset.names:
            raise ValueError(
                f'{runs[0][seed]} and {runs[1][seed]} have other test images at step {step}: '
                'compare runs of one scenario and data set'
            )
        measured = np.stack([viewer.measure() for viewer in viewers])
        area = measured[0, :, 0]
        if not figures:
            class_name = viewers[0].name
            chosen = choose_images(area, measured[:, :, 1].mean(axis=0))
            figures = [draw(viewers, chosen, labels_of(rows))]
        shares = 100 * measured[:, area == 0, 2]
        cells.append([share.mean() if share.size else None for share in shares])
        cells[-1] += [viewer.iou for viewer in viewers]
    title = f'class {class_name!r}, step {step} (%)'
    columns = ['run' if seed == '.' else seed for seed in seeds]
    kinds = (f'pixels >= 0.5 in {np.count_nonzero(area == 0)} images without it', 'IoU')
    names = [f'{side} ({label})' for side, label in zip(SIDES, labels_of(rows), strict=True)]
    titles = [f'{name}: {kind}' for kind in kinds for name in names]
    lines = {
        name: [*(spread([v]) for v in values), spread(values)]
        for name, values in zip(titles, zip(*cells, strict=True), strict=True)
    }
    return figures[0], markdown([title, *columns, 'mean'], lines)


def choose_images(area: np.ndarray, peak: np.ndarray) -> list[int]:
    """Two images that show a class at its largest, and two without it that activate it the most.

    Args:
        area: Pixels of the class, ``[images]``.
        peak: Highest activation of the class, ``[images]``.

    Returns:
        Indices, those with the class first; fewer where there are no more.
    """
    order = np.argsort(-area, kind='stable'), np.argsort(-peak, kind='stable')
    shown = [i for i in order[0] if area[i] > 0][:COUNT]
    return [int(i) for i in shown + [i for i in order[1] if area[i] == 0][:COUNT]]


@as_written
def draw(viewers: Sequence[Viewer], chosen: Sequence[int], labels: Sequence[str]) -> Figure:
    """One row per test image: image, ground truth, and activation and prediction of both runs.

    Masks are laid over the paled image; background has no colour, void is white, and the class
    has an outline.

    Args:
        viewers: The run without the initialisation and the one with it.
        chosen: Indices of test images.
        labels: Names of the runs.
    """
    dataset, name, number = viewers[0].dataset, viewers[0].name, viewers[0].label
    colours = np.ones((256, 3))
    colours[: len(dataset.metainfo['palette'])] = np.array(dataset.metainfo['palette']) / 255
    heat = ScalarMappable(Normalize(0, 1), COLOUR_MAP)
    figure = Figure(figsize=(10, 1.6 * len(chosen) + 1), layout='constrained')
    grid = figure.subplots(len(chosen), 6, squeeze=False)
    present = set()
    for row, index in zip(grid, chosen, strict=True):
        image = read_picture(dataset.get_data_info(index)['img_path'])
        looks = [viewer.look(index) for viewer in viewers]
        truth = looks[0][2]
        row[0].imshow(image)
        row[0].set_ylabel(name if (truth == number).any() else f'no {name}')
        # The image shows through, paler, in the colours of the bar and of the classes.
        pale = PALEST - 0.25 * (1 - np.asarray(image.convert('L'), float)[..., None] / 255)
        for axes, (activation, _, _) in zip(row[2::2], looks, strict=True):
            axes.imshow(pale * heat.to_rgba(activation)[..., :3])
        masks = [truth, *(prediction for _, prediction, _ in looks)]
        for axes, mask in zip(row[1::2], masks, strict=True):
            axes.imshow(np.where(mask[..., None] > 0, tint(colours[mask], pale), pale))
            of_class = mask == number
            if of_class.any() and not of_class.all():
                axes.contour(of_class, [0.5], colors='black', linewidths=1)
            present.update(np.unique(mask).tolist())
    kinds = ('activation', 'prediction')
    sides = zip(SIDES, labels, strict=True)
    titles = [f'{kind}, {side}\n({label})' for side, label in sides for kind in kinds]
    for axes, title in zip(grid[0], ['image', 'ground truth', *titles], strict=True):
        axes.set_title(title, fontsize=8)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
    figure.colorbar(heat, ax=grid, label=f'probability of {name}', pad=0.01)
    shown = [(i, n) for i, n in enumerate(dataset.metainfo['classes']) if i and i in present]
    figure.legend(
        handles=[Patch(color=tint(colours[i], PALEST), label=n) for i, n in shown],
        loc='outside lower center',
        ncols=6,
        frameon=False,
    )
    return figure
