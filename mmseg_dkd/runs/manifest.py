"""manifest.json: which run a folder holds, and which of its steps are finished."""

import hashlib
from pathlib import Path

from mmengine.dist import get_world_size

from ..scenario import Scenario
from ..utils.json_file import COUNT, NUMBER, STEP, TEXT, read_json, write_json

MANIFEST = 'manifest.json'
FINISHED = {
    'checkpoint': TEXT,
    'recipe': TEXT,
    'sha256?': TEXT,
    'shared?': TEXT,
    **dict.fromkeys(('images?', 'seconds?', 'memory_mib?'), NUMBER),
}
SHAPE = {
    **dict.fromkeys(('config?', 'scenario?', 'setting?', 'fingerprint?'), TEXT),
    'processes?': COUNT,
    'steps': {STEP: FINISHED},
}


def read_manifest(work_dir: Path) -> dict:
    """A run's manifest, as :func:`begin` and :func:`remember` write it.

    Returns:
        ``config``, ``scenario``, ``setting`` and ``fingerprint`` of the run, ``processes`` that it
        was started with last, and ``steps``: number of each finished step, as text, to
        ``checkpoint`` (below the folder), ``recipe`` and ``sha256``, and what else is known of it.
        ``steps`` alone, empty, where there is none.

    Raises:
        ValueError: If the file is damaged; it names file, key and remedy.
    """
    return read_json(work_dir / MANIFEST, dict(steps={}), SHAPE)


def begin(work_dir: Path, config: str, scenario: Scenario) -> None:
    """Write down whose folder it is, before anything is trained; finished steps stay.

    Args:
        work_dir: Folder of the run.
        config: Name of its config.
        scenario: Its scenario.
    """
    manifest = dict(
        config=config,
        scenario=scenario.name,
        setting=scenario.setting,
        fingerprint=scenario.fingerprint,
        processes=get_world_size(),
        steps=read_manifest(work_dir)['steps'],
    )
    write_json(work_dir / MANIFEST, manifest)


def remember(work_dir: Path, step: int, checkpoint: Path, recipe: str, facts: dict) -> None:
    """Write down that a step is finished.

    Args:
        work_dir: Folder of the run.
        step: The step.
        checkpoint: Its checkpoint, in the folder.
        recipe: Fingerprint of what it was trained by.
        facts: What else to know of it, plain data.
    """
    entry = dict(
        checkpoint=str(checkpoint.relative_to(work_dir)),
        recipe=recipe,
        sha256=sha256_of(checkpoint),
        **facts,
    )
    manifest = read_manifest(work_dir)
    manifest['steps'][str(step)] = entry
    write_json(work_dir / MANIFEST, manifest)


def forget(work_dir: Path, first: int) -> None:
    """Take back that this and later steps are finished."""
    if (work_dir / MANIFEST).exists():
        manifest = read_manifest(work_dir)
        kept = {k: entry for k, entry in manifest['steps'].items() if int(k) < first}
        write_json(work_dir / MANIFEST, dict(manifest, steps=kept))


def finished_checkpoints(work_dir: Path) -> dict[int, Path]:
    """Checkpoint of every finished step of a run, whether it is still there or not.

    Raises:
        FileNotFoundError: If no step is finished.
    """
    steps = read_manifest(work_dir)['steps']
    if not steps:
        raise FileNotFoundError(f'{work_dir} holds no finished step: train it by mmseg-dkd train')
    return {int(step): work_dir / entry['checkpoint'] for step, entry in steps.items()}


def verify(work_dir: Path, step: int, checkpoint: Path) -> None:
    """Refuse the checkpoint of a finished step that is not the file that the step wrote.

    One that the manifest does not know, such as a converted one, is not verified.

    Raises:
        ValueError: If it differs; it names file and remedy.
    """
    expected = read_manifest(work_dir)['steps'].get(str(step), {}).get('sha256')
    if expected is not None and (found := sha256_of(checkpoint)) != expected:
        raise ValueError(
            f'{checkpoint} is not what step {step} wrote (sha256 {found[:12]}..., but '
            f'{expected[:12]}... in {work_dir / MANIFEST}): bring it back from a copy, or train '
            f'step {step} again (--steps, without --resume). If it was replaced on purpose, remove '
            'its "sha256" there'
        )


def sha256_of(path: Path) -> str:
    """Hex digits of the hash of a file."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
