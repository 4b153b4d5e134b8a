"""Which checkpoints of a step are whole, and whether a finished one is still what it was."""

import hashlib
import logging
import re
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log

from ..engine import hand_over
from ..utils import checkpoint_types
from .results import MANIFEST, read_json

LAST = 'last_checkpoint'


def sha256_of(path: Path) -> str:
    """Hex digits of the hash of a file."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def verify(work_dir: Path, step: int, checkpoint: Path) -> None:
    """Refuse the checkpoint of a finished step that is not the file that the step wrote.

    One that the manifest does not know, such as a converted one, is not verified.

    Raises:
        ValueError: If it differs; it names file and remedy.
    """
    entry = read_json(work_dir / MANIFEST, dict(steps={}))['steps'].get(str(step), {})
    expected = entry.get('sha256')
    if expected is not None and (found := sha256_of(checkpoint)) != expected:
        raise ValueError(
            f'{checkpoint} is not what step {step} wrote (sha256 {found[:12]}..., but '
            f'{expected[:12]}... in {work_dir / MANIFEST}): bring it back from a copy, or train '
            f'step {step} again (--steps, without --resume). If it was replaced on purpose, remove '
            'its "sha256" there'
        )


def durable(cfg: Config) -> None:
    """Let a training be interrupted at any moment without a trace in its result.

    Checkpoints are written whole, the one before is kept until the next is there, a loss that
    explodes or is not finite ends the training, and so do such weights; what is drawn depends on
    the iteration and the image alone (:mod:`mmseg_dkd.utils.randomness`).

    Args:
        cfg: Config of a step; changed in place.
    """
    checkpoint = cfg.setdefault('default_hooks', {}).setdefault('checkpoint', {})
    checkpoint.setdefault('type', 'CheckpointHook')
    if 'out_dir' not in checkpoint:
        checkpoint.setdefault('backend_args', dict(backend='atomic'))
    if checkpoint.get('max_keep_ckpts') == 1:
        # mmengine removes the old one before it writes the new one.
        checkpoint.max_keep_ckpts = 2
    loader = cfg.train_dataloader
    loader.sampler = dict(type='DrawSampler', sampler=loader.sampler)
    hooks = cfg.get('custom_hooks', [])
    # The config may have one, with another limit.
    own = [] if any(hook['type'] == 'FiniteHook' for hook in hooks) else [dict(type='FiniteHook')]
    cfg.custom_hooks = [*hooks, dict(type='IterationSeedHook'), *own]


def go_on(cfg: Config, folder: Path) -> bool:
    """Let the config of a step go on from the newest intact checkpoint of its folder.

    Only what mmengine has noted as the last checkpoint, or an older one, counts.

    Args:
        cfg: Config of the step; changed in place.
        folder: The step's folder.

    Returns:
        Whether there is one.
    """
    found = [_newest(folder) if is_main_process() else None]
    broadcast_object_list(found)
    if found[0] is None:
        return False
    path, seed = found[0]
    cfg.load_from, cfg.resume = str(path), True
    if (cfg.get('randomness') or {}).get('seed') is None:
        # A drawn seed: the data would be in another order.
        cfg.randomness = dict(cfg.get('randomness') or {}, seed=seed)
    return True


def _newest(folder: Path) -> tuple[Path, int | None] | None:
    note = folder / LAST
    if not note.is_file():
        return None
    # The file holds the path at the time of writing; the folder may have moved since. A kill can
    # have left it empty.
    last = _number(Path(note.read_text(errors='replace').strip()))
    files = {n: file for file in folder.glob('*.pth') if (n := _number(file)) is not None}
    for number in sorted(files, reverse=True):
        if last is not None and number > last:
            continue
        try:
            meta = hand_over.meta_of(checkpoint_types.load(files[number]), files[number])
            return files[number], meta.get('seed')
        except (ValueError, FileNotFoundError) as error:
            print_log(
                f'going back to the checkpoint before {files[number].name}: {error}',
                logger='current',
                level=logging.WARNING,
            )
    print_log(
        f'no intact checkpoint in {folder}: the step starts from its beginning',
        logger='current',
        level=logging.WARNING,
    )
    return None


def clear(folder: Path, keep: Path | None = None) -> None:
    """Remove the checkpoints of a training from a step's folder, all but one.

    Those of an earlier training must not be mixed with those of the next.
    """
    for file in folder.glob('*.pth'):
        if _number(file) is not None and file != keep:
            file.unlink()


def _number(path: Path) -> int | None:
    """The n of ``epoch_n.pth`` or ``iter_n.pth``, as ``CheckpointHook`` names its files."""
    match = re.fullmatch(r'(?:epoch|iter)_(\d+)\.pth', path.name)
    return int(match[1]) if match else None
