"""Tables of several methods: mean and deviation of their runs, as in the paper."""

import csv
import io
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..evaluation.forgetting import mean_forgetting
from ..evaluation.scores import SCORES
from ..utils.atomic import write_text
from .outcomes import Outcome, Outcomes

COLUMNS = {
    **SCORES,
    'least_novel': 'least novel class',
    'forgetting': 'forgetting',
    'agreement': 'agreement (%)',
    'clipped': 'clipped (%)',
}
COSTS = {'minutes': 'minutes per run', 'memory_mib': 'peak memory (MiB)'}
DIGITS = {'minutes': 1, 'memory_mib': 0}
# In a cell, such as the name of a class.
BAR = r'\|'
NOTE = (
    'Agreement: the share of the pixels of old classes in which the model says, at the end of a '
    'later step, what it said before it. Clipped: the share of the updates whose gradient was '
    'clipped, in the step with the most. Training of all steps, `-` where not measured. Peak '
    'memory is what tensors took on CUDA; on the CPU, all that the process held.'
)


def spread(values: Sequence[float | None], digits: int = 2) -> str:
    """``'41.45 (±2.91)'``: mean and sample deviation; without the latter for a single value."""
    known = [value for value in values if value is not None]
    if not known:
        return '-'
    mean = f'{statistics.mean(known):.{digits}f}'
    return mean if len(known) < 2 else f'{mean} (±{statistics.stdev(known):.{digits}f})'


def scores_of(run: Outcome) -> dict[str, float | None]:
    """Everything of a run that the tables have: the keys of ``COLUMNS`` and ``COSTS``."""
    return dict(
        run.scores(),
        forgetting=mean_forgetting(run.forgetting),
        **run.training,
        minutes=run.minutes,
        memory_mib=run.memory_mib,
    )


def write_table(work_dir: Path, outcomes: Outcomes) -> str:
    """Write ``table.md`` and, with every single run, ``runs.csv``.

    Args:
        work_dir: Folder for these files.
        outcomes: The finished runs; a method without any has a row of ``-``.

    Returns:
        The Markdown tables: mean (±deviation) of the scores in percent, then of the costs.
    """
    numbers = {
        title: {method: [scores_of(run) for run in runs] for method, runs in rows.items()}
        for title, rows in outcomes.items()
    }
    parts = {method: _components(method, outcomes) for method in methods_of(outcomes)}
    # In the order of their first row, the replay memory, which every row may have, behind them.
    named = dict.fromkeys(key for own in parts.values() for key, value in own.items() if value)
    shown = sorted(named, key='memory'.__eq__)
    made_of = {method: [own.get(key, '') for key in shown] for method, own in parts.items()}
    table = _group_columns(['', *shown], made_of, numbers, {**COLUMNS, 'runs': 'runs'})
    names: dict[str, list[str]] = {method: [] for method in parts}
    table += f'\n\n{NOTE}\n\n{_group_columns([""], names, numbers, COSTS)}'
    keys = [*COLUMNS, *COSTS]
    lines: list[list] = [['scenario', 'method', 'run', *keys]]
    for title, rows in outcomes.items():
        for method, runs in rows.items():
            for run, found in zip(runs, numbers[title][method], strict=True):
                lines.append([title, method, run.folder, *(found[key] for key in keys)])
    write_text(work_dir / 'table.md', f'{table}\n')
    write_csv(work_dir / 'runs.csv', lines)
    return table


def write_forgetting(work_dir: Path, outcomes: Outcomes) -> None:
    """Write ``forgetting.md``, methods x classes for every scenario, and, with every single run,
    ``forgetting.csv``.

    Args:
        work_dir: Folder for these files.
        outcomes: The finished runs. A method that has no step to forget in, such as joint training,
            has no row.
    """
    text = 'Best IoU of each class before the last step, less that after it, in points.\n'
    lines: list[list] = [['scenario', 'method', 'run', 'class', 'forgetting']]
    for title, rows in outcomes.items():
        lost = {method: [run.forgetting for run in runs] for method, runs in rows.items()}
        names = list(dict.fromkeys(n for runs in lost.values() for run in runs for n in run))
        cells = {
            method: [spread([run.get(name) for run in runs]) for name in names]
            + [spread([mean_forgetting(run) for run in runs]), str(len(runs))]
            for method, runs in lost.items()
            if any(runs)
        }
        if cells:
            text += f'\n**{title}**\n\n{markdown(["", *names, "mean", "runs"], cells)}\n'
        for method, runs in rows.items():
            for run, found in zip(runs, lost[method], strict=True):
                lines += [[title, method, run.folder, *item] for item in found.items()]
    write_text(work_dir / 'forgetting.md', text)
    write_csv(work_dir / 'forgetting.csv', lines)


def methods_of(outcomes: Outcomes) -> list[str]:
    """Names of all methods, in the order of the first scenario that has them."""
    return list(dict.fromkeys(method for rows in outcomes.values() for method in rows))


def markdown(titles: Sequence[str], rows: dict[str, list[str]]) -> str:
    """A Markdown table with the rows' names in the first column."""
    cells = [list(titles), *([name, *own] for name, own in rows.items())]
    lines = [f'| {" | ".join(cell.replace("|", BAR) for cell in row)} |' for row in cells]
    return '\n'.join([lines[0], '|---' * len(titles) + '|', *lines[1:]])


def write_csv(path: Path, lines: Iterable[Sequence[object]]) -> None:
    """Write a table, its titles first; None is an empty cell."""
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    write_text(path, text.getvalue())


def _group_columns(
    titles: list[str],
    first: dict[str, list[str]],
    numbers: dict[str, dict[str, list[dict]]],
    columns: dict[str, str],
) -> str:
    """A table with the same columns of every scenario behind the first columns."""
    for scenario in numbers:
        prefix = f'{scenario}: ' if len(numbers) > 1 else ''
        titles = titles + [prefix + title for title in columns.values()]
    cells = {
        method: own + [c for rows in numbers.values() for c in _cells(rows.get(method), columns)]
        for method, own in first.items()
    }
    return markdown(titles, cells)


def _cells(runs: list[dict] | None, keys: Iterable[str]) -> list[str]:
    """Of one method in one scenario; empty where it has no config."""
    if runs is None:
        return ['' for _ in keys]
    return [
        str(len(runs)) if key == 'runs' else spread([run[key] for run in runs], DIGITS.get(key, 2))
        for key in keys
    ]


def _components(method: str, outcomes: Outcomes) -> dict[str, str]:
    """Of all its runs; where they differ from scenario to scenario, one after the other."""
    own = [run.components for rows in outcomes.values() for run in rows.get(method, [])]
    keys = dict.fromkeys(key for parts in own for key in parts)
    return {key: ' / '.join(dict.fromkeys(parts.get(key, '') for parts in own)) for key in keys}
