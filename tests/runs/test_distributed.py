"""Several processes, for real."""

import json
import os
import subprocess
import sys

import pytest
import torch
from mmengine.utils import digit_version
from torch.distributed.elastic.utils.distributed import get_free_port

from tests.forked import forked, forked_together
from tests.tiny import REPOSITORY

WORKER = REPOSITORY / 'tests/engine/gloo_loss.py'


@pytest.mark.parametrize('several', [2, pytest.param(4, marks=pytest.mark.slow)])
def test_loss_and_gradient_of_several_processes_equal_those_of_one(
    several, finished, tiny, tmp_path
):
    cfg = tiny()
    cfg.train_dataloader.dataset.dataset.pipeline = cfg.test_pipeline
    cfg.later_steps.model.freeze_dropout = True
    cfg.dump(tmp_path / 'config.py')
    results = []
    for processes in (1, several):
        out = tmp_path / f'{processes}.json'
        arguments = [tmp_path / 'config.py', finished / 'step_0/iter_2.pth']
        if processes == 1:
            done = forked(WORKER, *arguments, 'none', out)
            assert done.returncode == 0, done.stderr[-3000:]
        else:
            forked_together(WORKER, *arguments, 'pytorch', out, processes=processes)
        results.append(json.loads(out.read_text()))
    one, more = results
    assert 'decode.loss_dkd' in one['terms'] and one['gradient'] > 0
    assert more['loss'] == pytest.approx(one['loss'], rel=1e-5)
    assert more['gradient'] == pytest.approx(one['gradient'], rel=1e-4)


@pytest.mark.slow
def test_two_nodes_meet_and_train_as_one(tiny, tmp_path):
    cfg = tiny()
    cfg.dump(tmp_path / 'config.py')
    script = REPOSITORY / 'tools/dist_train.sh'
    command = [
        script,
        tmp_path / 'config.py',
        '1',
        '--steps',
        '0-1',
        '--work-dir',
        tmp_path / 'run',
    ]
    path = f'{os.path.dirname(sys.executable)}:{os.environ["PATH"]}'
    port = str(get_free_port())
    nodes = [
        subprocess.Popen(
            command,
            env=dict(
                os.environ,
                PATH=path,
                PYTHONPATH=str(REPOSITORY),
                NNODES='2',
                NODE_RANK=str(rank),
                PORT=port,
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in (0, 1)
    ]
    said = [node.communicate(timeout=300)[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], said[0][-3000:] + said[1][-3000:]
    results = json.loads((tmp_path / 'run/results.json').read_text())
    assert [entry['step'] for entry in results] == [0, 1]
    log = next((tmp_path / 'run/step_1').glob('*/*.log')).read_text()
    assert 'Distributed training: True' in log and 'GPU number: 2' in log


@pytest.mark.skipif(
    digit_version(torch.__version__) < digit_version('2.13.0'),
    reason='threads of gloo have no names in torch 2.4 and 2.6',
)
def test_no_thread_of_the_group_is_left_when_python_ends():
    # The handler that is registered first runs last.
    code = (
        'import atexit, pathlib, torch\n'
        'from mmengine.config import Config\n'
        'from mmseg_dkd.engine.launcher import launch\n'
        "names = lambda: [f.read_text() for f in pathlib.Path('/proc/self/task').glob('*/comm')]\n"
        "gloo = lambda: sum('gloo' in name for name in names())\n"
        'atexit.register(lambda: print(gloo()))\n'
        "launch(Config(dict(model={})), 'pytorch')\n"
        'runner = torch.nn.Module()\n'
        'runner.__dict__.update(itself=runner)\n'
        'runner.model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(1, 1))\n'
        'del runner\n'
        'print(gloo())\n'
    )
    group = dict(RANK='0', WORLD_SIZE='1', MASTER_ADDR='127.0.0.1', LOCAL_RANK='0')
    done = subprocess.run(
        [sys.executable, '-c', code],
        env=dict(
            os.environ,
            PYTHONPATH=str(REPOSITORY),
            MASTER_PORT=str(get_free_port()),
            **group,
        ),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    before, after = map(int, done.stdout.split()[-2:])
    assert before > 0 and after == 0
