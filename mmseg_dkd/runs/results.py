"""results.json, results.csv and the manifest of a run."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from ..utils.atomic import write_atomically

RESULTS = 'results.json'
MANIFEST = 'manifest.json'
NOT_SCORES = ('per_class_iou', 'choices', 'provenance')


def read_json(path: Path, default: Any) -> Any:
    """Content of a JSON file, or the default where there is none.

    Raises:
        ValueError: If it holds no JSON; it names file and remedy.
    """
    if not path.exists():
        return default
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(
            f'{path} is damaged ({error}): bring it back from a copy, or remove it and train the '
            'steps that it is to hold again'
        ) from error


def write_json(path: Path, content: object) -> None:
    """Write a JSON file, whole or not at all."""
    text = json.dumps(content, indent=2) + '\n'
    write_atomically(path, lambda file: file.write(text.encode()))


def add_result(work_dir: Path, entry: dict) -> list[dict]:
    """Put a step's entry into results.json and results.csv.

    Args:
        work_dir: Folder of the run.
        entry: ``step``, ``miou_base``, ``miou_novel``, ``miou_all``, ``hiou`` and
            ``per_class_iou``, in percent, and ``choices`` and ``provenance``, which the CSV leaves
            out.

    Returns:
        All entries, by step.
    """
    results = [*read_json(work_dir / RESULTS, []), entry]
    write_json(work_dir / RESULTS, results)
    names = list(entry['per_class_iou'])
    scores = [key for key in entry if key not in NOT_SCORES]
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow([*scores, *names])
    for row in results:
        writer.writerow([row[key] for key in scores] + [row['per_class_iou'].get(n) for n in names])
    write_atomically(work_dir / 'results.csv', lambda file: file.write(table.getvalue().encode()))
    return results
