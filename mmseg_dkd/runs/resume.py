"""How a training goes on after it was interrupted, with the result it would have had."""

import logging
import re
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log

from ..engine import hand_over
from ..utils import checkpoint_types

LAST = 'last_checkpoint'


def durable(cfg: Config) -> Config:
    """Let a training be interrupted at any moment without a trace in its result.

    Checkpoints are written whole, with the gradients that wait for an update, and the one before is
    kept until the next is there. A loss that explodes or is not finite ends the training, and so do
    such weights. What is drawn depends on the iteration and the image alone
    (:mod:`mmseg_dkd.utils.randomness`).

    Args:
        cfg: Config of a step; changed in place.

    Returns:
        The config.
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
    cfg.custom_hooks = [*hooks, dict(type='IterationSeedHook'), dict(type='GradientHook'), *own]
    return cfg


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
