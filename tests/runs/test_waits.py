"""What one process makes, the others wait for beyond the time-out of their group, not for ever."""

import json
import os
import subprocess
import sys

import numpy as np
from torch.distributed.elastic.utils.distributed import get_free_port

from tests.forked import forked_together
from tests.tiny import REPOSITORY

WORKER = REPOSITORY / 'tests/runs/gloo_waits.py'


def test_waiting_outlasts_the_time_out_of_the_group(tmp_path):
    forked_together(WORKER, tmp_path, 'slow', 'slow')
    for rank in (0, 1):
        presence, memory = json.loads((tmp_path / f'{rank}.json').read_text())
        assert np.array_equal(presence, np.eye(3, 4)), rank
        assert memory == str(tmp_path / 'step_1/memory.json')


def test_a_maker_that_fails_or_dies_ends_the_waiting(tmp_path):
    # No launcher, that would end the second process.
    port = str(get_free_port())
    group = dict(WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=port)
    first, second = (
        subprocess.Popen(
            [sys.executable, WORKER, tmp_path, 'fails', 'dies'],
            env=dict(os.environ, PYTHONPATH=str(REPOSITORY), RANK=rank, LOCAL_RANK=rank, **group),
        )
        for rank in '01'
    )
    try:
        assert first.wait(120) == 7
        assert second.wait(60) == 0
    finally:
        first.kill()
        second.kill()
    failed, died = json.loads((tmp_path / '1.json').read_text())
    assert failed.startswith(f'ValueError: the process that makes {tmp_path}/presence_')
    assert failed.endswith("failed: KeyError: 'planted'")
    assert died.startswith(f'RuntimeError: the process that makes {tmp_path}/step_1/memory.json')
