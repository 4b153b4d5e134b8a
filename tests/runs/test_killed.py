"""Trainings that are killed, for real and at any moment: `pytest -m kill`, minutes."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from torch.distributed.elastic.utils.distributed import get_free_port

from mmseg_dkd.runs.lock import HOLDER, one_writer
from mmseg_dkd.runs.recipe import without
from mmseg_dkd.utils import checkpoint_types
from mmseg_dkd.utils.json_file import read_json
from tests.tiny import REPOSITORY

pytestmark = pytest.mark.kill
KILLS = 30


def config(tiny, folder, iterations):
    """DKD-M with augmentation, dropout and a data loading worker."""
    cfg = tiny('dkd_m/fashion_4-2.py', iterations)
    cfg.memory.size = 8
    cfg.model.decode_head.dropout_ratio = 0.5
    cfg.train_dataloader.update(num_workers=1, persistent_workers=True)
    cfg.default_hooks.checkpoint.max_keep_ckpts = 1
    cfg.dump(folder / 'fashion_4-2.py')
    return folder / 'fashion_4-2.py'


def start(cfg, folder, torchrun=()):
    command = [*torchrun, 'tools/incremental_train.py', cfg, '--work-dir', folder, '--resume']
    if torchrun:
        command += ['--launcher', 'pytorch']
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=REPOSITORY,
        env=dict(os.environ, PYTHONPATH=str(REPOSITORY)),
        stdout=(folder.parent / f'{folder.name}.log').open('a'),
        stderr=subprocess.STDOUT,
    )


def wait_until(true, process, seconds=300):
    end = time.monotonic() + seconds
    while not true() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    assert true() or process.poll() is not None


def holds(folder, pid):
    try:
        return json.loads((folder / HOLDER).read_text())['pid'] == pid
    except FileNotFoundError:
        return False


def run_and_kill(cfg, folder, rng, left, span):
    """Start it, kill it within a time, and again until it is through; how often it was killed."""
    kills = 0
    while True:
        process = start(cfg, folder)
        wait_until(partial(holds, folder, process.pid), process)
        if kills < left:
            try:
                process.wait(rng.uniform(0, span))
            except subprocess.TimeoutExpired:
                process.kill()
        code = process.wait()
        if code == 0:
            return kills
        log = (folder.parent / f'{folder.name}.log').read_text()
        assert code == -signal.SIGKILL, log[-3000:]
        kills += 1


def outcome(folder):
    """All that a run leaves, but for times."""
    states = {}
    for step in range(3):
        (file,) = (folder / f'step_{step}').glob('*.pth')
        states[file.name, step] = checkpoint_types.load(file)['state_dict']
    texts = [
        (folder / name).read_text()
        for name in ('results.csv', 'step_1/memory.json', 'step_2/memory.json')
    ]
    results = without(read_json(folder / 'results.json', []), ('provenance',))
    return states, [*texts, results]


def test_a_run_killed_again_and_again_ends_like_an_undisturbed_one(tiny, tmp_path):
    cfg, rng = config(tiny, tmp_path, iterations=3), random.Random(0)
    whole = tmp_path / 'whole'
    process = start(cfg, whole)
    wait_until(partial(holds, whole, process.pid), process)
    began = time.monotonic()
    assert process.wait() == 0
    # About a step and a half: enough to get on, and to be killed several times a run.
    span = (time.monotonic() - began) / 2
    states, texts = outcome(whole)
    kills = runs = 0
    while kills < KILLS:
        folder = tmp_path / f'killed_{runs}'
        kills += run_and_kill(cfg, folder, rng, KILLS - kills, span)
        runs += 1
        found, found_texts = outcome(folder)
        assert found_texts == texts
        assert found.keys() == states.keys()
        for key, state in states.items():
            assert found[key].keys() == state.keys()
            assert all(torch.equal(found[key][name], state[name]) for name in state), key
        assert not list(folder.rglob('.*.part'))
    print(f'{kills} kills in {runs} runs')


def ranks(launcher):
    """Process ids of the processes that torchrun started, by rank."""
    found = {}
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            parent = int((folder / 'stat').read_text().rpartition(')')[2].split()[1])
            environment = (folder / 'environ').read_bytes().split(b'\0')
        except OSError:
            continue
        number = [e for e in environment if e.startswith(b'RANK=')]
        if parent == launcher and number:
            found[int(number[0][5:])] = int(folder.name)
    return found


@pytest.mark.parametrize('rank', [0, 1])
def test_a_dead_rank_ends_the_others_within_a_minute(rank, tiny, tmp_path):
    cfg, folder = config(tiny, tmp_path, iterations=100_000), tmp_path / 'run'
    port = str(get_free_port())
    torchrun = ('-m', 'torch.distributed.run', '--nproc_per_node=2', '--master_port', port)
    process = start(cfg, folder, torchrun)
    try:
        wait_until(lambda: (folder / 'step_0/last_checkpoint').exists(), process)
        pids = ranks(process.pid)
        assert set(pids) == {0, 1}, (tmp_path / 'run.log').read_text()[-3000:]
        began = time.monotonic()
        os.kill(pids[rank], signal.SIGKILL)
        assert process.wait(60) != 0
        assert not any(Path(f'/proc/{pid}').exists() for pid in pids.values())
        print(f'over after {time.monotonic() - began:.1f} s')
    finally:
        process.kill()
        process.wait()
    with one_writer(folder):
        pass
