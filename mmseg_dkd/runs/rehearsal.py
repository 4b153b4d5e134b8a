"""A rehearsal of the steps, each with a batch or two, before anything is trained."""

import os
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2
from mmengine.config import Config
from mmengine.dist import barrier, get_world_size, is_main_process
from mmengine.logging import MMLogger, print_log

from ..engine.schedule import by_epoch_of
from ..utils.atomic import write_text
from ..utils.config_parts import components
from ..utils.faults import OF_CODE
from .manifest import read_manifest

if TYPE_CHECKING:
    from .run import Run

FOLDER = '.rehearsal'
REPORT = 'rehearsal.log'
BATCHES = dict(train=1, val=2, test=2)
# What building, training and testing raise.
FAULTS = (*OF_CODE, RuntimeError, ValueError, cv2.error)


def rehearse(run: 'Run', steps: list[int]) -> None:
    """Train steps for one iteration each and test them on two batches, as they will be run.

    So what is needed only after hours of training is tried at once: the hand-over to the next step,
    its teacher and memory, the checkpoint that is written and read, the test, the pictures. All of
    it lies in a folder of its own that is gone afterwards, and it changes no result.

    Args:
        run: The run.
        steps: Its steps that are to be run, ascending, at least one.

    Raises:
        RuntimeError: If a step fails; it names the step and the reason. ``rehearsal.log`` in the
            folder of the run has the traceback then.
    """
    folder, report = run.work_dir / FOLDER, run.work_dir / REPORT
    print_log(f'rehearsal of steps {steps}, with a batch or two each', logger='current')
    if is_main_process():
        shutil.rmtree(folder, ignore_errors=True)
        report.unlink(missing_ok=True)
    barrier()
    brief = type(run)(run.cfg, folder)
    for step in brief.steps:
        # A step is told where the one before it, which is shortened already, leaves its checkpoint.
        shorten(step.cfg)
    if steps[0] and is_main_process():
        _lend(run, brief, steps[0] - 1)
    try:
        with _silence():
            brief.train_and_test(steps, resume=False)
    except FAULTS as error:
        done = read_manifest(folder)['steps']
        at = next((step for step in steps if str(step) not in done), steps[-1])
        text = traceback.format_exc()
        write_text(report, text)
        # No barrier: the others may wait for this process elsewhere, and their launcher ends them.
        shutil.rmtree(folder, ignore_errors=True)
        raise RuntimeError(
            f'step {at} failed in a rehearsal with a batch or two, before anything was trained: '
            f'{type(error).__name__}: {error} (the traceback is in {report})'
        ) from error
    barrier()
    if is_main_process():
        shutil.rmtree(folder, ignore_errors=True)


def shorten(cfg: Config) -> None:
    """Let the config of a step train for one iteration and test two batches, in place."""
    length = 'max_epochs' if by_epoch_of(cfg) else 'max_iters'
    cfg.train_cfg.update({length: 1, 'val_begin': 1, 'val_interval': 1})
    for kind, batches in BATCHES.items():
        loader = cfg.get(f'{kind}_dataloader')
        if not loader:
            continue
        for key in ('persistent_workers', 'prefetch_factor', 'timeout'):
            loader.pop(key, None)
        loader.num_workers = 0
        for dataset in components(loader.dataset):
            dataset['limit'] = batches * loader.batch_size * get_world_size()
    cfg.log_level = 'ERROR'
    if cfg.get('visualizer'):
        # Some tell a server of every run.
        cfg.visualizer.vis_backends = []


def _lend(run: 'Run', brief: 'Run', step: int) -> None:
    """Give the rehearsal what the first of its steps starts from."""
    of, to = run.steps[step], brief.steps[step]
    to.folder.mkdir(parents=True)
    for file, name in ((of.checkpoint, to.checkpoint), (of.memory_file, to.memory_file)):
        if file.exists():
            os.symlink(file.resolve(), name)


@contextmanager
def _silence() -> Iterator[None]:
    """Say nothing but errors, and leave the logger that is there the current one."""
    before = list(MMLogger._instance_dict)
    MMLogger.get_instance(FOLDER, log_level='ERROR')
    try:
        yield
    finally:
        for name in MMLogger._instance_dict.keys() - set(before):
            for handler in MMLogger._instance_dict.pop(name).handlers:
                handler.close()
