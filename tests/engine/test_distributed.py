"""Several processes, for real."""

import json
import os
import subprocess
import sys

import pytest

from tests.tiny import REPOSITORY

WORKER = REPOSITORY / 'tests/engine/gloo_loss.py'


def test_loss_and_gradient_of_two_processes_equal_those_of_one(finished, tiny, tmp_path):
    cfg = tiny()
    cfg.train_dataloader.dataset.dataset.pipeline = cfg.test_pipeline
    cfg.later_steps.model.freeze_dropout = True
    cfg.dump(tmp_path / 'config.py')
    results = []
    for processes in (1, 2):
        out = tmp_path / f'{processes}.json'
        launch = [sys.executable]
        if processes > 1:
            launch += ['-m', 'torch.distributed.run', f'--nproc_per_node={processes}']
            launch += ['--master_port', str(29500 + os.getpid() % 2000)]
        launcher = 'none' if processes == 1 else 'pytorch'
        done = subprocess.run(
            [
                *launch,
                WORKER,
                tmp_path / 'config.py',
                finished / 'step_0/iter_2.pth',
                launcher,
                out,
            ],
            env=dict(os.environ, PYTHONPATH=str(REPOSITORY)),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        results.append(json.loads(out.read_text()))
    one, two = results
    assert 'decode.loss_dkd' in one['terms'] and one['gradient'] > 0
    assert two['loss'] == pytest.approx(one['loss'], rel=1e-5)
    assert two['gradient'] == pytest.approx(one['gradient'], rel=1e-4)
