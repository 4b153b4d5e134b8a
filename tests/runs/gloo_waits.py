"""Worker: one process makes the class presence and the memory, later than the group's time-out."""

import json
import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch.distributed as dist
from mmengine.config import Config
from torch.distributed.distributed_c10d import _set_pg_timeout

from mmseg_dkd import Scenario
from mmseg_dkd.datasets import presence
from mmseg_dkd.datasets.memory import Candidate
from mmseg_dkd.runs import replay
from mmseg_dkd.runs.step import steps_of

TIMEOUT = 4.0
CFG = Config(
    dict(
        scenario=dict(name='2-1', num_classes=3),
        memory=dict(size=1),
        model=dict(backbone=dict()),
        train_cfg=dict(max_iters=1),
        custom_hooks=[dict(type='IncrementalStepHook')],
    )
)


def slow(made):
    time.sleep(1.5 * TIMEOUT)
    return made


def fails(made):
    raise KeyError('planted')


def dies(made):
    os._exit(7)


def main(folder: str, *fates: str) -> None:
    folder = Path(folder)
    scan, candidates = (globals()[fate] for fate in fates)
    presence._scan = lambda *args: scan(np.eye(3, 4, dtype=bool))
    replay._candidates = lambda *args: candidates([Candidate('image', 'mask', (0,), (1,))])
    dist.init_process_group('gloo')
    dist.barrier()
    _set_pg_timeout(timedelta(seconds=TIMEOUT), dist.group.WORLD)
    said = []
    for make in (
        lambda: presence.class_presence([], {}, np.arange(256), 3, folder).tolist(),
        lambda: str(replay.draw_memory(steps_of(CFG, Scenario(**CFG.scenario), folder)[1])),
    ):
        try:
            said.append(make())
        except (KeyError, ValueError, RuntimeError) as error:
            said.append(f'{type(error).__name__}: {error}')
        if fates[len(said) - 1] != 'dies':
            # Both are here in time, and the first one keeps the store until then.
            dist.barrier()
    (folder / f'{dist.get_rank()}.json').write_text(json.dumps(said))
    dist.destroy_process_group()


if __name__ == '__main__':
    main(*sys.argv[1:])
