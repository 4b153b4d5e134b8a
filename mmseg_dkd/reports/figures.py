"""Curves of several runs: IoU over the steps (Fig. 3), change of the scores (Fig. 5)."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from mmengine.config import Config

from ..evaluation.scores import summarise
from ..runs.manifest import MANIFEST, read_manifest
from ..runs.repeats import FIRST_STEPS
from ..runs.results import read_finished
from ..runs.step import config_file, step_folder
from ..scenario import Scenario
from ..utils.json_file import COUNT, NUMBER, parse_json
from ..visualization.drawing import as_written, draw_mean, legend, spread_points
from .table import markdown, spread

SIDES = ('without', 'with')
COLUMNS = 3
MOST_CLASSES = 8
CHANGES = {'change/pos': '^+', 'change/neg': '^-', 'change/logit': ''}
SCALARS = {'step?': COUNT, **{f'{key}?': NUMBER for key in CHANGES}}
REMEDY = (
    'Train it; the rows of the demo by\n'
    '  python tools/compare.py configs/{kd,kd_dkd,kd_init,dkd}/fashion_4-2.py --seeds 0-2'
)


def last_step(run: Path) -> int:
    """Number of the last step of a run's scenario, finished or not."""
    return Scenario(**Config.fromfile(config_file(run, 0)).scenario).num_steps - 1


def finished_runs(row: Path, step: int | None = None) -> dict[str, Path]:
    """Runs that have finished a step, or all.

    Args:
        row: Folder of runs, such as ``work_dirs/compare/dkd_fashion_4-2``, or of a single one.
        step: The step; all of the run's scenario if omitted.

    Returns:
        Name below ``row``, such as ``seed_0`` (``.`` for a single run), to folder.

    Raises:
        FileNotFoundError: If there is none.
    """
    runs = _finished(row, step)
    if not runs:
        which = 'all its steps' if step is None else f'step {step}'
        raise FileNotFoundError(f'{row} has no run that has finished {which}. {REMEDY}')
    return runs


def default_rows(folder: Path) -> list[Path]:
    """Rows of ``tools/compare.py`` with a finished run of several steps, in alphabetical order.

    Raises:
        FileNotFoundError: If there is none.
    """
    rows = sorted(folder.iterdir()) if folder.is_dir() else []
    runs = {row: _finished(row) for row in rows if row.name != FIRST_STEPS}
    if not (rows := [row for row in runs if any(map(last_step, runs[row].values()))]):
        raise FileNotFoundError(f'{folder} has no finished run of several steps. {REMEDY}')
    return rows


def labels_of(rows: Sequence[Path]) -> list[str]:
    """Names of rows: their folders, below the one that they share."""
    parents = [row.resolve().parent for row in rows]
    return [str(row.resolve().relative_to(os.path.commonpath(parents))) for row in rows]


@as_written
def steps(rows: Sequence[Path]) -> Figure:
    """Fig. 3: IoU in percent over the steps, of the base classes and of every novel class.

    With more than 8 novel classes, or runs in several class orders, there is one panel per step
    with the mean over its classes, instead of one panel per class.

    Args:
        rows: Folders of the methods to compare. Each has one line, the mean over its finished runs,
            with a band of one sample deviation to either side.

    Raises:
        FileNotFoundError: If a row has no finished run.
        ValueError: If the rows are of scenarios of other sizes.
    """
    results = [[read_finished(run) for run in finished_runs(row).values()] for row in rows]
    learned = [[list(e['per_class_iou']) for e in run] for runs in results for run in runs]
    sizes = [[len(names) for names in run] for run in learned]
    if any(numbers != sizes[0] for numbers in sizes):
        found = ', '.join(sorted({str(numbers) for numbers in sizes}))
        raise ValueError(
            f'the rows {", ".join(map(str, rows))} are not of one scenario: the numbers of classes '
            f'known after each step are {found}. Name rows of the same scenario'
        )
    by_class = sizes[0][-1] - sizes[0][0] <= MOST_CLASSES and all(r == learned[0] for r in learned)
    curves = [[_curves(run, by_class) for run in runs] for runs in results]
    titles, last = list(curves[0][0]), len(sizes[0]) - 1
    figure, panels = _panels(len(titles))
    for axes, title in zip(panels, titles, strict=True):
        for number, (label, runs) in enumerate(zip(labels_of(rows), curves, strict=True)):
            values = np.array([run[title] for run in runs], float)
            count = values.shape[1]
            x = last + 1 - count + np.arange(count) + spread_points(number, len(rows), count)
            draw_mean(axes, x, values, _counted(label, values), number)
        axes.set(title=f'{title} (%)', xlabel='step', xlim=(-0.3, last + 0.3))
        axes.set_xticks(range(last + 1))
    legend(figure)
    return figure


def change(rows: Sequence[Path], step: int) -> tuple[Figure, str]:
    """Fig. 5: how far z+, z- and z of the old classes are from the old model's, while a step is
    trained.

    Args:
        rows: Folder of the runs without the DKD term, and of those with it; lines and bands as in
            :func:`steps`.
        step: The step, from 1 on.

    Returns:
        The figure, and a Markdown table of the means over the last quarter of the iterations, mean
        (±deviation) over the runs.

    Raises:
        FileNotFoundError: If a row has no run that has finished the step.
        ValueError: If a run did not measure the change.
    """
    figure, panels = _panels(len(CHANGES))
    titles = [rf'$\|z{sign}_{{{step}}} - z{sign}_{{{step - 1}}}\|$' for sign in CHANGES.values()]
    lines: dict[str, list[str]] = {}
    for number, (side, label, row) in enumerate(zip(SIDES, labels_of(rows), rows, strict=True)):
        found = [_read_change(run, step) for run in finished_runs(row, step).values()]
        # Runs may have been measured at other intervals.
        iterations = np.array(sorted(set.intersection(*map(set, found))))
        values = np.array([[run[i] for i in iterations] for run in found])
        for axes, curve in zip(panels, np.moveaxis(values, -1, 0), strict=True):
            name = _counted(f'{side} ({label})', curve)
            draw_mean(axes, iterations, curve, name, number, marked=False)
        late = values[:, iterations > 0.75 * iterations[-1]].mean(axis=1)
        cells = [spread(column) for column in late.T.tolist()]
        lines[f'{side} ({label})'] = [*cells, str(len(found))]
    for axes, title in zip(panels, titles, strict=True):
        axes.set(title=title, xlabel=f'iteration of step {step}')
    panels[0].set_ylabel('L2 norm over the old classes')
    legend(figure)
    heads = ['mean over the last quarter', 'pos (z+)', 'neg (z-)', 'logit (z)', 'runs']
    return figure, markdown(heads, lines)


def _finished(row: Path, step: int | None = None) -> dict[str, Path]:
    runs = {}
    for file in sorted(row.rglob(MANIFEST)):
        run, done = file.parent, read_manifest(file.parent)['steps']
        needed = range(last_step(run) + 1) if done and step is None else [step]
        if all(str(t) in done for t in needed):
            runs[str(run.relative_to(row))] = run
    return runs


def _curves(run: list[dict], by_class: bool) -> dict[str, list[float | None]]:
    """Title of a panel to a run's values since its classes are learned, None where they occur
    nowhere."""
    names = [list(entry['per_class_iou']) for entry in run]
    parts = {'base classes: mIoU': names[0]}
    for step in range(1, len(run)):
        new = names[step][len(names[step - 1]) :]
        if by_class:
            parts.update({f'{name}: IoU': [name] for name in new})
        else:
            parts[f'classes of step {step}: mIoU'] = new
    found: dict[str, list[float | None]] = {}
    for title, part in parts.items():
        scores = [e['per_class_iou'] for e in run if part[0] in e['per_class_iou']]
        found[title] = [summarise(iou, part, [])['miou_base'] for iou in scores]
    return found


def _read_change(run: Path, step: int) -> dict[int, list[float]]:
    """Iteration to the three norms."""
    folder, found = step_folder(run, step), dict[int, list[float]]()
    # By time: what was resumed or trained again goes on from its first measurement.
    for file in sorted(folder.glob('*/vis_data/scalars.json')):
        lines = [
            parse_json(line, f'{file}, line {number}', SCALARS, 'remove this line')
            for number, line in enumerate(file.read_bytes().splitlines(), 1)
        ]
        lines = [line for line in lines if {'step', *CHANGES} <= line.keys()]
        measured = {line['step']: [line[key] for key in CHANGES] for line in lines}
        kept = {i: norms for i, norms in found.items() if i < min(measured, default=np.inf)}
        found = kept | measured
    if not found:
        raise ValueError(
            f'{folder} has no change/* in */vis_data/scalars.json: ReasoningChangeHook was not in '
            "custom_hooks. Add dict(type='ReasoningChangeHook', interval=10) and train step "
            f'{step} again; at step 0 there is no change'
        )
    return found


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    lines = -(-count // COLUMNS)
    figure = Figure(figsize=(9, 0.6 + 2.5 * lines), layout='constrained')
    panels = list(figure.subplots(lines, min(COLUMNS, count), squeeze=False).flat)
    for axes in panels[count:]:
        axes.remove()
    for axes in panels[:count]:
        axes.grid(alpha=0.3)
    return figure, panels[:count]


def _counted(label: str, values: np.ndarray) -> str:
    return f'{label}, {len(values)} run{"s" * (len(values) > 1)}'
