"""The same seed gives the same weights, with one process and with two: `pytest -m slow`."""

import os
import subprocess
import sys

import pytest
import torch
from torch.distributed.elastic.utils.distributed import get_free_port

from mmseg_dkd.utils import checkpoint_types
from tests.tiny import REPOSITORY

pytestmark = pytest.mark.slow
TOOL = ['tools/incremental_train.py']


def train(config, folder, processes, seed=0):
    """Weights after steps 0 and 1 of a run of its own."""
    command, launcher = TOOL, 'none'
    if processes > 1:
        port = str(get_free_port())
        distributed = f'-m torch.distributed.run --nproc_per_node={processes} --master_port {port}'
        command, launcher = [*distributed.split(), *TOOL], 'pytorch'
    command = [*command, config, '--work-dir', folder, '--steps', '0-1', '--launcher', launcher]
    done = subprocess.run(
        [sys.executable, *map(str, command), '--cfg-options', f'randomness.seed={seed}'],
        cwd=REPOSITORY,
        env=dict(os.environ, PYTHONPATH=str(REPOSITORY)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return checkpoint_types.load(folder / 'step_1/iter_3.pth')['state_dict']


def equal(a, b):
    assert a.keys() == b.keys()
    return all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize('processes', [1, 2])
def test_same_seed_same_weights(processes, tiny, tmp_path):
    cfg = tiny('dkd_m/fashion_4-2.py', iterations=3)
    cfg.memory.size = 8
    cfg.dump(tmp_path / 'config.py')
    first, second = (train(tmp_path / 'config.py', tmp_path / n, processes) for n in ('a', 'b'))
    assert equal(first, second)
    assert not equal(first, train(tmp_path / 'config.py', tmp_path / 'c', processes, seed=1))
