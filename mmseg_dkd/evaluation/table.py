"""Mean and deviation of repeated runs, in the layout of the paper's tables."""

import csv
import io
import json
import statistics
from collections.abc import Sequence
from pathlib import Path

from ..atomic import write_atomically
from .scores import summarise

FIGURES = {'miou_base': 'mIoU_b', 'miou_novel': 'mIoU_n', 'hiou': 'hIoU', 'miou_all': 'mIoU_all'}


def final_scores(work_dir: Path, base: Sequence[str]) -> dict[str, float | None]:
    """Figures of a run's last step, in percent.

    Args:
        work_dir: Folder of a finished run.
        base: Names of the classes that count as base ones; joint training has none of its own.

    Returns:
        What :func:`summarise` returns, and ``least_novel``, the IoU of the worst novel class.
    """
    per_class = json.loads((work_dir / 'results.json').read_text())[-1]['per_class_iou']
    novel = [name for name in per_class if name not in base]
    scores = summarise(per_class, base, novel)
    return dict(scores, least_novel=min((per_class[n] or 0.0 for n in novel), default=None))


def base_classes(work_dir: Path) -> list[str]:
    """Names of the classes of a run's step 0, with background where it is one."""
    return list(json.loads((work_dir / 'results.json').read_text())[0]['per_class_iou'])


def components(work_dir: Path) -> dict[str, str]:
    """What a run is made of, as in Table 3: the components of its method, and its memory."""
    choices = json.loads((work_dir / 'results.json').read_text())[-1]['choices']
    own = {name: '+' * there for name, there in choices.get('components', {}).items()}
    return own | dict(memory=str(choices['memory'] or ''))


def spread(values: Sequence[float | None]) -> str:
    """``'41.45 (±2.91)'``: mean and sample deviation; without the latter for a single value."""
    known = [value for value in values if value is not None]
    if not known:
        return '-'
    mean = f'{statistics.mean(known):.2f}'
    return mean if len(known) < 2 else f'{mean} (±{statistics.stdev(known):.2f})'


def write_table(work_dir: Path, rows: dict[str, list[Path]]) -> str:
    """Write ``table.md`` and, with every single run, ``runs.csv``.

    Args:
        work_dir: Where they go.
        rows: Name of a row to the folders of its runs. The first row's base classes are those of
            all: its i-th run says so for the i-th of every row.

    Returns:
        The Markdown table: mean (±deviation) in percent.
    """
    bases = [base_classes(folder) for folder in next(iter(rows.values()))]
    parts = {name: components(folders[0]) for name, folders in rows.items()}
    # In the order of their first row.
    named = dict.fromkeys(key for own in parts.values() for key in own)
    shown = [key for key in named if any(p.get(key) for p in parts.values())]
    keys = [*FIGURES, 'least_novel']
    titles = ['', *shown, *FIGURES.values(), 'least novel class', 'runs']
    lines = [f'| {" | ".join(titles)} |', '|---' * len(titles) + '|']
    singles = io.StringIO()
    writer = csv.writer(singles)
    writer.writerow(['row', 'run', *keys])
    for name, folders in rows.items():
        scores = [final_scores(f, base) for f, base in zip(folders, bases, strict=True)]
        for folder, score in zip(folders, scores, strict=True):
            writer.writerow([name, folder, *(score[key] for key in keys)])
        cells = [spread([score[key] for score in scores]) for key in keys]
        cells = [name, *(parts[name].get(key, '') for key in shown), *cells, str(len(folders))]
        lines.append(f'| {" | ".join(cells)} |')
    table = '\n'.join(lines)
    write_atomically(work_dir / 'table.md', lambda file: file.write(f'{table}\n'.encode()))
    write_atomically(work_dir / 'runs.csv', lambda file: file.write(singles.getvalue().encode()))
    return table
