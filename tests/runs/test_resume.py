"""A training that goes on after an interruption ends with the very same weights."""

import shutil

import pytest
import torch
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop

from mmseg_dkd.runs import Run
from mmseg_dkd.runs import run as runs
from mmseg_dkd.runs.results import read_results
from mmseg_dkd.utils import checkpoint_types


def with_chance(tiny, finished, folder, workers):
    """Step 1 of DKD-M with its augmentation, dropout and replay memory, after a finished step 0."""
    cfg = tiny('dkd_m/fashion_4-2.py', iterations=4)
    cfg.memory.size = 8
    cfg.model.decode_head.dropout_ratio = 0.5
    cfg.model.freeze_dropout = False
    cfg.train_dataloader.update(num_workers=workers, persistent_workers=workers > 0)
    shutil.copytree(finished / 'step_0', folder / 'step_0')
    (folder / 'step_0/iter_2.pth').rename(folder / 'step_0/iter_4.pth')
    return cfg


def by_epoch(cfg):
    """Two epochs of the step's batches."""
    cfg.later_steps.pop('train_cfg')
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2)
    cfg.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=True)
    cfg.default_hooks.checkpoint.by_epoch = True
    return cfg


def interrupted(cfg, folder, loop, iteration):
    """Run step 1 until an iteration is about to begin."""
    run_iter = loop.run_iter

    def die(self, *args):
        if self._iter == iteration:
            raise KeyboardInterrupt
        run_iter(self, *args)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, 'run_iter', die)
        Run(cfg, folder).run([1])


def weights(path):
    return checkpoint_types.load(path)['state_dict']


def equal(a, b):
    assert a.keys() == b.keys()
    return all(torch.equal(a[key], b[key]) for key in a)


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """They take longer than the training."""
    monkeypatch.setattr(runs, 'draw', lambda *args: None)
    monkeypatch.setattr(runs, 'predict_samples', lambda *args: None)


WORKERS = [(2, 0), *(pytest.param(n, n, marks=pytest.mark.slow) for n in (0, 2))]


@pytest.mark.parametrize('before, after', WORKERS)
def test_interrupted_iterations_end_like_undisturbed_ones(before, after, finished, tiny, tmp_path):
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    Run(with_chance(tiny, finished, whole, 0), whole).run([1])
    cfg = with_chance(tiny, finished, broken, before)
    interrupted(cfg, broken, IterBasedTrainLoop, 2)
    assert not (broken / 'step_1/iter_4.pth').exists()
    cfg.train_dataloader.update(num_workers=after, persistent_workers=after > 0)
    Run(cfg, broken).run([1], resume=True)
    assert equal(*(weights(folder / 'step_1/iter_4.pth') for folder in (whole, broken)))
    told = [read_results(folder)[-1]['training'] for folder in (whole, broken)]
    assert told[0] == told[1] and told[0]['clipped'] is not None


def test_interrupted_epochs_end_like_undisturbed_ones(finished, tiny, tmp_path):
    folders = tmp_path / 'whole', tmp_path / 'broken'
    cfgs = [by_epoch(with_chance(tiny, finished, folder, 0)) for folder in folders]
    for folder in folders:
        (folder / 'step_0/iter_4.pth').rename(folder / 'step_0/epoch_2.pth')
    Run(cfgs[0], folders[0]).run([1])
    # In the second epoch: the memory makes one longer, 5 iterations.
    interrupted(cfgs[1], folders[1], EpochBasedTrainLoop, 7)
    assert [file.name for file in (folders[1] / 'step_1').glob('*.pth')] == ['epoch_1.pth']
    Run(cfgs[1], folders[1]).run([1], resume=True)
    assert equal(*(weights(folder / 'step_1/epoch_2.pth') for folder in folders))


@pytest.mark.parametrize('at', [1, 3])
def test_gradients_that_wait_for_an_update_are_kept(at, finished, tiny, tmp_path):
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    for folder in (whole, broken):
        cfg = with_chance(tiny, finished, folder, 0)
        # Updates after iterations 3 and 4.
        cfg.optim_wrapper.accumulative_counts = 3
        if folder is broken:
            interrupted(cfg, folder, IterBasedTrainLoop, at)
        Run(cfg, folder).run([1], resume=True)
    assert equal(*(weights(folder / 'step_1/iter_4.pth') for folder in (whole, broken)))
    kept = checkpoint_types.load(broken / 'step_1/iter_4.pth')
    assert 'gathered_gradients' not in kept, 'after an update there are none'
