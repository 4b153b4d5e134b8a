"""Seconds and peak memory of a step, also of one that was interrupted."""

import json
import shutil
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import IterBasedTrainLoop

from mmseg_dkd.engine.hooks import cost_hook as cost
from mmseg_dkd.engine.hooks.cost_hook import CostHook
from mmseg_dkd.runs import Run
from mmseg_dkd.utils import checkpoint_types
from tests.tiny import REPOSITORY

linux = pytest.mark.skipif(not cost.CLEAR.exists(), reason='only Linux tells')


# In a process of its own: what earlier tests have given back would be taken first.
LARGE_THEN_SMALL = """
import numpy as np
from mmseg_dkd.engine.hooks.cost_hook import CostHook

before = CostHook()
start = before.spent()['memory_mib']
large = np.ones(256 * 2**17)
del large
held = before.spent()['memory_mib']
# The peak of what came before does not show.
after = CostHook()
small = np.ones(64 * 2**17)
print(held - start, held - after.spent()['memory_mib'])
"""


@linux
def test_memory_of_the_process_is_that_of_each_step():
    done = subprocess.run(
        [sys.executable, '-c', LARGE_THEN_SMALL], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    large, less = map(float, done.stdout.splitlines()[-1].split())
    assert large == pytest.approx(256, abs=20), 'it stays after the memory is given back'
    assert less == pytest.approx(256 - 64, abs=20)


def test_memory_is_unknown_where_the_system_does_not_tell(monkeypatch, tmp_path):
    monkeypatch.setattr(cost, 'CLEAR', tmp_path / 'nowhere/clear_refs')
    spent = CostHook().spent()
    assert spent['memory_mib'] is None and spent['seconds'] >= 0


def test_on_cuda_the_peak_is_kept_though_the_logger_sets_it_back(monkeypatch):
    peak = SimpleNamespace(mib=500.0)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'reset_peak_memory_stats', lambda: setattr(peak, 'mib', 100.0))
    monkeypatch.setattr(torch.cuda, 'max_memory_allocated', lambda: peak.mib * 2**20)
    hook = CostHook()
    for mib in (100.0, 300.0, 200.0):
        peak.mib = mib
        hook.after_train_iter(None, 0, {})
        torch.cuda.reset_peak_memory_stats()
    assert hook.spent()['memory_mib'] == 300.0
    assert hook.priority == 'NORMAL', "before mmengine's LoggerHook, which is BELOW_NORMAL"


def test_only_the_same_step_goes_on_counting():
    spent = dict(seconds=100.0, memory_mib=1e6)
    for resume, checkpoint, seconds, mib in (
        (True, dict(meta=dict(cost=spent)), 100.0, 1e6),
        (False, dict(meta=dict(cost=spent)), 0.0, None),
        (True, dict(meta={}), None, None),
    ):
        hook = CostHook()
        own = hook.spent()['memory_mib']
        runner = SimpleNamespace(cfg=Config(dict(resume=resume)))
        hook.after_load_checkpoint(runner, checkpoint)
        found = hook.spent()
        if seconds is None:
            assert found == dict(seconds=None, memory_mib=None)
        else:
            assert found['seconds'] == pytest.approx(seconds, abs=1)
            if own is not None:
                assert found['memory_mib'] == pytest.approx(mib or own, abs=20)


def test_steps_of_a_run_write_their_cost_and_no_recipe_has_it(finished):
    steps = json.loads((finished / 'manifest.json').read_text())['steps']
    for step, entry in steps.items():
        assert 0 < entry['seconds'] < 600
        if cost.CLEAR.exists():
            assert 50 < entry['memory_mib'] < 100_000
        assert 'Cost' not in (finished / f'step_{step}/fashion_4-2.py').read_text()


def test_a_step_that_was_interrupted_has_the_cost_of_all_its_parts(
    finished, tiny, tmp_path, monkeypatch
):
    folder = tmp_path / 'run'
    shutil.copytree(finished / 'step_0', folder / 'step_0')
    cfg = tiny(iterations=3)
    (folder / 'step_0/iter_2.pth').rename(folder / 'step_0/iter_3.pth')
    run_iter = IterBasedTrainLoop.run_iter

    def slow_then_dead(self, batch):
        if self._iter == 2:
            raise KeyboardInterrupt
        time.sleep(2)
        run_iter(self, batch)

    monkeypatch.setattr(IterBasedTrainLoop, 'run_iter', slow_then_dead)
    with pytest.raises(KeyboardInterrupt):
        Run(cfg, folder).run([1])
    monkeypatch.undo()
    half = checkpoint_types.load(folder / 'step_1/iter_2.pth')['meta']['cost']
    assert half['seconds'] > 4
    start = time.perf_counter()
    Run(cfg, folder).run([1], resume=True)
    rest = time.perf_counter() - start
    entry = json.loads((folder / 'manifest.json').read_text())['steps']['1']
    assert half['seconds'] < entry['seconds'] < half['seconds'] + rest
    assert half['memory_mib'] is None or entry['memory_mib'] >= half['memory_mib']
