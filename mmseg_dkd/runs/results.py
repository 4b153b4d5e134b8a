"""results.json and results.csv: the scores of every step."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from ..evaluation.scores import SCORES
from ..scenario import Scenario
from ..utils.atomic import write_text
from ..utils.json_file import (
    ANY,
    COUNT,
    FLAG,
    NUMBER,
    PERCENT,
    TEXT,
    damaged,
    read_json,
    write_json,
)
from .manifest import MANIFEST

RESULTS = 'results.json'
ENTRY = {
    'step': COUNT,
    **dict.fromkeys(SCORES, PERCENT),
    'per_class_iou': {TEXT: PERCENT},
    'training?': {
        **dict.fromkeys(('clipped', 'agreement', 'least_agreement'), PERCENT),
        'forgets_at?': NUMBER,
    },
    'choices?': {'components?': {TEXT: FLAG}, 'memory?': ANY},
    'provenance?': {TEXT: ANY},
}
RESULTS_TABLE = 'results.csv'
NOT_SCORES = ('per_class_iou', 'left_out', 'training', 'choices', 'provenance')


def read_results(work_dir: Path, scenario: Scenario | None = None) -> list[dict]:
    """The entries of a run's results.json, by step; none where there is no file yet.

    Args:
        work_dir: Folder of the run.
        scenario: That of the run, if it is known; the entries must be of its steps.

    Raises:
        ValueError: If the file is damaged; it names file, key and remedy.
    """
    path = work_dir / RESULTS
    results = read_json(path, [], [ENTRY])
    for problem in _contradictions(results, scenario):
        raise damaged(path, problem)
    return results


def read_finished(work_dir: Path, scenario: Scenario | None = None) -> list[dict]:
    """The entries of a run that has finished a step, at least one; see :func:`read_results`.

    Raises:
        ValueError: If the file is damaged, or has no step.
    """
    results = read_results(work_dir, scenario)
    if not results:
        raise damaged(work_dir / RESULTS, f'it has no step, although {MANIFEST} has')
    return results


def _contradictions(results: list[dict], scenario: Scenario | None) -> Iterator[str]:
    """What no run writes, although each entry looks right."""
    for before, entry in zip([None, *results], results, strict=False):
        step, names = entry['step'], list(entry['per_class_iou'])
        if scenario is not None and step >= scenario.num_steps:
            yield f'it has step {step}, but {scenario} has the steps 0-{scenario.num_steps - 1}'
        elif scenario is not None and len(names) != 1 + len(scenario.seen(step)):
            yield (
                f'per_class_iou of step {step} has {len(names)} classes, but {scenario} has '
                f'{1 + len(scenario.seen(step))} by then'
            )
        if not names:
            yield f'per_class_iou of step {step} is empty'
        if before is None:
            continue
        if step <= before['step']:
            yield f'step {step} stands behind step {before["step"]}'
        known = list(before['per_class_iou'])
        if lost := [name for name in known if name not in names]:
            yield f'per_class_iou of step {step} lacks {lost[0]!r} of step {before["step"]}'
        elif scenario is not None and step < scenario.num_steps:
            ids = dict(zip(names, (0, *scenario.seen(step)), strict=False))
            if [ids.get(name) for name in known] != [0, *scenario.seen(before['step'])]:
                yield (
                    f'per_class_iou of step {step} has the classes of step {before["step"]} in '
                    f'another order than {scenario}'
                )


def add_result(work_dir: Path, entry: dict) -> list[dict]:
    """Put a step's entry into results.json and results.csv.

    Args:
        work_dir: Folder of the run.
        entry: ``step``, ``miou_base``, ``miou_novel``, ``miou_all``, ``hiou`` and
            ``per_class_iou``, in percent, and what the CSV leaves out: ``left_out``, ``training``
            (:func:`mmseg_dkd.engine.hooks.forgetting_hook.training_of`), ``choices`` and
            ``provenance``.

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
        writer.writerow(
            [row.get(key) for key in scores] + [row['per_class_iou'].get(n) for n in names]
        )
    write_text(work_dir / RESULTS_TABLE, table.getvalue())
    return results


def forget_results(work_dir: Path, first: int) -> None:
    """Take back the entries of this and later steps from results.json."""
    if (work_dir / RESULTS).exists():
        kept = [entry for entry in read_results(work_dir) if entry['step'] < first]
        write_json(work_dir / RESULTS, kept)
