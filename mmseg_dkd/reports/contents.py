"""What the page of a run shows, as plain data."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from mmengine.config import Config

from ..evaluation.forgetting import mean_forgetting
from ..evaluation.scores import left_out
from ..runs.manifest import MANIFEST, read_manifest
from ..runs.repeats import FIRST_STEPS
from ..runs.results import RESULTS, RESULTS_TABLE, read_results
from ..runs.step import config_file, step_folder
from ..scenario import Scenario
from ..utils.json_file import damaged
from .outcomes import Outcome, costs_of

GAP = '–'
OF_A_RUN = (RESULTS, RESULTS_TABLE, MANIFEST)
OF_A_STEP = ('*.py', '*.pth', 'memory.json', '*.png', '*/*.log')


def read_contents(work_dir: Path) -> dict:
    """Read what a run has written until now, but for the samples
    (:func:`mmseg_dkd.visualization.pictures.read_samples`).

    Args:
        work_dir: Folder of a run, finished or not.

    Returns:
        Variables of the template ``page.html``; scores in percent, as in results.json.

    Raises:
        FileNotFoundError: If there is no run in the folder.
        ValueError: If a JSON file is damaged, or a step has no config or several.
    """
    entries = read_results(work_dir)
    manifest = read_manifest(work_dir)
    steps = manifest['steps']
    config = config_file(work_dir, _step_of_config(work_dir, entries))
    scenario = Scenario(**Config.fromfile(config).scenario)
    entries = read_results(work_dir, scenario)
    names = _names(work_dir, entries, scenario)
    learned = [[names[c] for c in scenario.new(t)] for t in range(scenario.num_steps)]
    base = [names[0], *learned[0]]
    run = Outcome(work_dir, entries, base, minutes=None, memory_mib=None)
    lost = run.forgetting if entries else {}
    return dict(
        config=manifest.get('config', config.name),
        folder='/'.join(work_dir.resolve().parts[-2:]),
        scenario=scenario,
        background=names[0],
        learned=learned,
        missing=_missing(entries, steps, scenario),
        entries=entries,
        left_out={e['step']: left_out(e['per_class_iou']) for e in entries},
        names=[names[c] for c in (0, *scenario.order)],
        classes=_classes(entries, names[0], learned, lost),
        forgetting=mean_forgetting(lost),
        choices=_side_by_side(entries, 'choices'),
        provenance=_side_by_side(entries, 'provenance'),
        trained=_trained(work_dir, steps, entries),
        files=_files(work_dir, scenario),
    )


def _step_of_config(work_dir: Path, entries: Sequence[dict]) -> int:
    """The latest tested step; before there is one, the first that is being trained."""
    if entries:
        latest = entries[-1]['step']
        if not step_folder(work_dir, latest).is_dir():
            raise damaged(work_dir / RESULTS, f'it has step {latest}, whose folder is not there')
        return latest
    folders = {config.parent.name for config in work_dir.glob('step_*/*.py')}
    if not folders:
        raise FileNotFoundError(
            f'{work_dir} has no run: neither {RESULTS} nor the config of a step. Name the folder '
            'of a run, such as work_dirs/dkd/voc_15-5'
        )
    return min(int(name.removeprefix('step_')) for name in folders)


def _names(work_dir: Path, entries: Sequence[dict], scenario: Scenario) -> dict[int, str]:
    """Of all class ids and 0; of classes that no step has shown yet, the id."""
    ids = (0, *scenario.order)
    names = {0: 'background'} | {class_id: f'class {class_id}' for class_id in scenario.order}
    for file in work_dir.glob('step_*/samples/classes.txt'):
        listed = file.read_text().splitlines()
        # That of a run which has grown since has fewer.
        if len(listed) == len(ids):
            names |= zip(ids, listed, strict=True)
    for entry in entries:
        names |= zip((0, *scenario.seen(entry['step'])), entry['per_class_iou'], strict=True)
    return names


def _missing(entries: Sequence[dict], steps: dict[str, dict], scenario: Scenario) -> list[str]:
    """In words, what a finished run would have."""
    planned = range(scenario.num_steps)
    scored = {entry['step'] for entry in entries}
    missing = {
        'not finished': [t for t in planned if str(t) not in steps],
        f'finished, but not in {RESULTS}': [
            t for t in planned if str(t) in steps and t not in scored
        ],
    }
    return [f'{what}: step {", ".join(map(str, t))}' for what, t in missing.items() if t]


def _classes(
    entries: Sequence[dict], background: str, learned: Sequence[Sequence[str]], lost: dict
) -> list[dict]:
    """One row per class of the latest step: IoU when it was learned, at its best before that step,
    and at that step."""
    if not entries:
        return []
    steps = {background: 0}
    for step, new in enumerate(learned):
        steps = dict.fromkeys(new, step) | steps
    rows = []
    for name, last in entries[-1]['per_class_iou'].items():
        course = [e['per_class_iou'][name] for e in entries if name in e['per_class_iou']]
        before = [iou for iou in course[:-1] if iou is not None]
        rows.append(
            dict(
                name=name,
                step=steps[name],
                first=course[0],
                best=max(before, default=None),
                last=last,
                lost=lost.get(name),
            )
        )
    return rows


def _side_by_side(entries: Sequence[dict], key: str) -> dict | None:
    """A part of the entries: one row per key, one column for consecutive steps that agree. None
    where no entry has it."""
    found = [(entry['step'], _flat(entry[key])) for entry in entries if key in entry]
    if not found:
        return None
    columns = []
    for values, group in itertools.groupby(found, key=lambda item: item[1]):
        steps = [step for step, _ in group]
        title = f'step {steps[0]}' if len(steps) == 1 else f'steps {steps[0]} to {steps[-1]}'
        columns.append((title, values))
    keys = dict.fromkeys(key for _, values in columns for key in values)
    rows = [(key, [values.get(key, GAP) for _, values in columns]) for key in keys]
    return dict(titles=[title for title, _ in columns], rows=rows)


def _flat(value: object, name: str = '') -> dict[str, str]:
    """``{'a': {'b': 1}}`` as ``{'a.b': '1'}``."""
    if isinstance(value, dict) and value:
        parts = [_flat(inner, f'{name}.{key}'.strip('.')) for key, inner in value.items()]
        return {key: text for part in parts for key, text in part.items()}
    if value is None or value == [] or value == {}:
        return {name: GAP}
    if isinstance(value, bool):
        return {name: 'yes' if value else 'no'}
    return {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}


def _trained(work_dir: Path, steps: dict[str, dict], entries: Sequence[dict]) -> list[dict]:
    """Of the training of each finished step all that is known, with what a shared one cost."""
    places = [parent / FIRST_STEPS for parent in work_dir.resolve().parents]
    first_steps = next(filter(Path.is_dir, places), work_dir / FIRST_STEPS)
    costs, rows = costs_of(steps, first_steps), []
    went = {entry['step']: entry.get('training', {}) for entry in entries}
    for step in sorted(steps, key=int):
        row = dict(costs[step] | steps[step], step=int(step), went=went.get(int(step), {}))
        seconds = row.get('seconds')
        row['minutes'] = None if seconds is None else seconds / 60
        rows.append(dict(row, memory_mib=row.get('memory_mib')))
    return rows


def _files(work_dir: Path, scenario: Scenario) -> list[tuple[str, list[tuple[str, str]]]]:
    """Title of a folder to name and address, from the page, of what is in it."""
    places: list[tuple[str, Path, tuple[str, ...]]] = [('run', work_dir, OF_A_RUN)]
    places += [
        (f'step {t}', step_folder(work_dir, t), OF_A_STEP) for t in range(scenario.num_steps)
    ]
    found = []
    for title, folder, patterns in places:
        files = [file for pattern in patterns for file in sorted(folder.glob(pattern))]
        links = [(file.name, quote(file.relative_to(work_dir).as_posix())) for file in files]
        found.append((title, links))
    return [(title, links) for title, links in found if links]
