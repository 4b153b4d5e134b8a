"""All methods in all scenarios in one figure."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..visualization.drawing import as_written, draw_mean, legend, spread_points, style
from .outcomes import Outcome, Outcomes
from .table import methods_of

PANELS = {
    'miou_all': 'all seen classes',
    'miou_base': 'base classes',
    'miou_novel': 'novel classes',
}
LEGEND_COLUMNS = 5


@as_written
def draw_curves(outcomes: Outcomes) -> Figure:
    """mIoU over the steps, and hIoU against what it costs: one row of panels per scenario.

    Over the steps: mIoU in percent of all classes seen so far, of the base classes and of those
    learned later, mean over the runs with a band of one sample deviation to either side. Joint
    training is a point at the last step. In the last panel, hIoU after the last step against the
    minutes of training, for methods with both.

    Args:
        outcomes: The finished runs; a method without any is not drawn.
    """
    methods = methods_of(outcomes)
    legend_lines = -(-len(methods) // LEGEND_COLUMNS)
    figure = Figure(
        figsize=(15, 0.4 + 0.25 * legend_lines + 3 * len(outcomes)), layout='constrained'
    )
    grid = figure.subplots(len(outcomes), len(PANELS) + 1, squeeze=False)
    for line, (title, rows) in zip(grid, outcomes.items(), strict=True):
        drawn = {method: runs for method, runs in rows.items() if runs}
        last = max((len(runs[0].entries) for runs in drawn.values()), default=1) - 1
        for axes, (key, name) in zip(line, PANELS.items(), strict=False):
            for method, runs in drawn.items():
                _draw_curve(axes, runs, key, last, method, methods)
            axes.set(title=f'{title}, {name}', xlabel='step', xlim=(-0.3, last + 0.3))
            axes.set_xticks(range(last + 1))
        for method, runs in drawn.items():
            _draw_cost(line[-1], runs, style(methods.index(method)))
        line[-1].set(title=f'{title}, cost', xlabel='minutes of training', ylabel='hIoU (%)')
        line[0].set_ylabel('mIoU (%)')
        for axes in line:
            axes.grid(alpha=0.3)
    legend(figure, LEGEND_COLUMNS)
    return figure


def _draw_curve(
    axes: Axes, runs: list[Outcome], key: str, last: int, method: str, methods: list[str]
) -> None:
    """One method; from step 1 on where nothing is known of step 0."""
    steps = range(len(runs[0].entries))
    values = np.array([[run.scores(step)[key] for step in steps] for run in runs], float)
    x: np.ndarray = np.arange(last + 1 - len(steps), last + 1)
    if key == 'miou_novel':
        values, x = values[:, x > 0], x[x > 0]
    number = methods.index(method)
    moved = x + spread_points(number, len(methods), len(x))
    draw_mean(axes, moved, values, method, number, alpha=0.1)


def _draw_cost(axes: Axes, runs: list[Outcome], look: dict[str, str]) -> None:
    pairs = [(run.minutes, run.scores()['hiou']) for run in runs]
    if any(None in pair for pair in pairs):
        return
    points = np.array(pairs)
    errors = points.std(axis=0, ddof=1) if len(points) > 1 else (None, None)
    x, y = points.mean(axis=0)
    axes.errorbar(
        x, y, errors[1], errors[0], color=look['color'], marker=look['marker'], elinewidth=0.8
    )
