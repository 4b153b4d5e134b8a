"""results.json and results.csv: the scores of every step."""

import csv
import io
from pathlib import Path

from ..utils.atomic import write_atomically
from ..utils.json_file import read_json, write_json

RESULTS = 'results.json'
RESULTS_TABLE = 'results.csv'
NOT_SCORES = ('per_class_iou', 'left_out', 'choices', 'provenance')


def read_results(work_dir: Path) -> list[dict]:
    """The entries of a run's results.json, by step; none where there is no file yet.

    Raises:
        ValueError: If the file is damaged.
    """
    return read_json(work_dir / RESULTS, [])


def add_result(work_dir: Path, entry: dict) -> list[dict]:
    """Put a step's entry into results.json and results.csv.

    Args:
        work_dir: Folder of the run.
        entry: ``step``, ``miou_base``, ``miou_novel``, ``miou_all``, ``hiou`` and
            ``per_class_iou``, in percent, and ``left_out``, ``choices`` and ``provenance``, which
            the CSV leaves out.

    Returns:
        All entries, by step.
    """
    results = [*read_results(work_dir), entry]
    write_json(work_dir / RESULTS, results)
    names = list(entry['per_class_iou'])
    scores = [key for key in entry if key not in NOT_SCORES]
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow([*scores, *names])
    for row in results:
        writer.writerow([row[key] for key in scores] + [row['per_class_iou'].get(n) for n in names])
    write_atomically(work_dir / RESULTS_TABLE, lambda file: file.write(table.getvalue().encode()))
    return results


def forget_results(work_dir: Path, first: int) -> None:
    """Take back the entries of this and later steps from results.json."""
    if (work_dir / RESULTS).exists():
        kept = [entry for entry in read_results(work_dir) if entry['step'] < first]
        write_json(work_dir / RESULTS, kept)
