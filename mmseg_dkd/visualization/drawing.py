"""How methods are told apart in a figure: colours, markers, bands and the legend."""

from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's, which colour-blind people tell apart, less the yellow that fades on white.
COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#56B4E9', '#E69F00', '#000000')
MARKERS = 'os^Dv<>'
LINES = ('-', '--', ':')
# Names of classes, methods and scenarios are drawn as they are, with dollar signs. As a decorator.
as_written = rc_context({'text.parse_math': False})


def style(number: int) -> dict[str, Any]:
    """Colour, marker and line of the number-th method; 49 methods differ in colour or marker."""
    turn = number // len(COLOURS)
    return dict(
        color=COLOURS[number % len(COLOURS)],
        marker=MARKERS[(number + turn) % len(MARKERS)],
        linestyle=LINES[turn % len(LINES)],
    )


def draw_mean(
    axes: Axes,
    x: np.ndarray,
    values: np.ndarray,
    label: str,
    number: int,
    marked: bool = True,
    alpha: float = 0.2,
) -> None:
    """Mean and sample deviation of ``values``, ``[runs, points]``, in the number-th style.

    Args:
        axes: Axes to draw on.
        x: ``[points]``.
        values: ``[runs, points]``.
        label: Text of the legend.
        number: Number of the method; it decides the style.
        marked: Whether the points have markers.
        alpha: Opacity of the band.
    """
    mean, look = values.mean(axis=0), style(number)
    if not marked:
        look['marker'] = ''
    axes.plot(x, mean, label=label, **look)
    if len(values) > 1:
        deviation = values.std(axis=0, ddof=1)
        if len(x) == 1:
            axes.errorbar(x, mean, deviation, color=look['color'], capsize=3)
        else:
            low, high = mean - deviation, mean + deviation
            axes.fill_between(x, low, high, color=look['color'], alpha=alpha, lw=0)


def spread_points(number: int, count: int, points: int) -> float:
    """How far the number-th of ``count`` methods moves along x. Single points of several methods
    would hide each other; lines do not."""
    return 0.4 * ((number + 0.5) / count - 0.5) if points == 1 else 0.0


@as_written
def legend(figure: Figure, columns: int = 2) -> None:
    """One legend for all panels, below them."""
    found: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    figure.legend(
        list(found.values()), list(found), loc='outside lower center', ncols=columns, frameon=False
    )
