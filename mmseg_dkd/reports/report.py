"""Everything that is written about a comparison."""

from pathlib import Path

from ..utils.atomic import write_atomically
from ..visualization.pictures import DPI
from .curves import draw_curves
from .outcomes import Outcomes
from .table import write_forgetting, write_table


def write_report(work_dir: Path, outcomes: Outcomes) -> str:
    """Write ``table.md``, ``runs.csv``, ``forgetting.md``, ``forgetting.csv`` and ``curves.png``.

    Args:
        work_dir: Folder for these files.
        outcomes: The finished runs.

    Returns:
        What :func:`mmseg_dkd.reports.table.write_table` returns.
    """
    table = write_table(work_dir, outcomes)
    write_forgetting(work_dir, outcomes)
    figure = draw_curves(outcomes)
    write_atomically(
        work_dir / 'curves.png', lambda file: figure.savefig(file, format='png', dpi=DPI)
    )
    return table
