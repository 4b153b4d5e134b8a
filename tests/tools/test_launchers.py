"""What the launchers' scripts hand to srun and torchrun."""

import os
import subprocess

import pytest

from tests.tiny import REPOSITORY

FAKE = """#!/bin/sh
printf '%s\\n' $$ "$MASTER_PORT" "$@" > "$SAID"
exit 3
"""


@pytest.fixture
def started(tmp_path):
    """Run a script whose srun and python write down what they get, and fail."""
    for name in ('srun', 'python'):
        (tmp_path / name).write_text(FAKE)
        (tmp_path / name).chmod(0o755)

    def start(script: str, *arguments: str, **environment: str) -> tuple[str, list[str]]:
        env = {k: os.environ[k] for k in ('HOME', 'LANG') if k in os.environ}
        env.update(environment, PATH=f'{tmp_path}:{os.environ["PATH"]}', SAID=f'{tmp_path}/said')
        process = subprocess.Popen(
            [REPOSITORY / 'tools' / script, *arguments], env=env, cwd=tmp_path
        )
        assert process.wait(20) == 3, 'the exit status is that of the job'
        pid, port, *given = (tmp_path / 'said').read_text().splitlines()
        assert int(pid) == process.pid, 'a signal to the script would not reach the job'
        return port, given

    return start


def test_slurm_gets_a_task_a_gpu_and_every_argument_as_it_is(started):
    port, given = started(
        'slurm_train.sh', 'gpu part', 'my job', 'a config.py', '--cfg-options', 'a=[1, 2]',
        GPUS='16', CPUS_PER_TASK='3', SRUN_ARGS='--time=1:00 --exclusive', PORT='29511',
    )  # fmt: skip
    assert given == [
        '-p', 'gpu part', '--job-name=my job', '--gres=gpu:8', '--ntasks=16',
        '--ntasks-per-node=8', '--cpus-per-task=3', '--kill-on-bad-exit=1',
        '--time=1:00', '--exclusive',
        'python', '-u', str(REPOSITORY / 'tools/incremental_train.py'), 'a config.py',
        '--launcher', 'slurm', '--cfg-options', 'a=[1, 2]',
    ]  # fmt: skip
    assert port == '29511'


@pytest.mark.parametrize(
    'environment, expected',
    [
        ({}, ['--gres=gpu:8', '--ntasks=8', '--ntasks-per-node=8']),
        (dict(GPUS='2'), ['--gres=gpu:2', '--ntasks=2', '--ntasks-per-node=2']),
        (
            dict(GPUS='8', GPUS_PER_NODE='4'),
            ['--gres=gpu:4', '--ntasks=8', '--ntasks-per-node=4'],
        ),
    ],
)
def test_slurm_asks_for_no_gpu_without_a_task(environment, expected, started):
    port, given = started('slurm_train.sh', 'part', 'job', 'config.py', **environment)
    assert [word for word in given if 'gres' in word or 'ntasks' in word] == expected
    assert '--cpus-per-task=5' in given and port == '29500'


@pytest.mark.parametrize(
    'script, arguments, tool',
    [
        ('dist_train.sh', ['a config.py', '4'], 'incremental_train.py'),
        ('dist_test.sh', ['a config.py', 'a.pth', '4'], 'test.py'),
    ],
)
def test_torchrun_gets_the_nodes_and_every_argument_as_it_is(script, arguments, tool, started):
    nodes = dict(NNODES='2', NODE_RANK='1', MASTER_ADDR='node0', PORT='29511')
    _, given = started(script, *arguments, '--x', 'a b', **nodes)
    assert given == [
        '-m', 'torch.distributed.run', '--nnodes=2', '--node_rank=1', '--master_addr=node0',
        '--master_port=29511', '--nproc_per_node=4', str(REPOSITORY / 'tools' / tool),
        *arguments[:-1], '--launcher', 'pytorch', '--x', 'a b',
    ]  # fmt: skip


@pytest.mark.parametrize('script', ['slurm_train.sh', 'dist_train.sh', 'dist_test.sh'])
def test_too_few_arguments_get_the_usage(script):
    done = subprocess.run([REPOSITORY / 'tools' / script, 'x'], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith('usage: ') and script in done.stderr
