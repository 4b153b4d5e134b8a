"""A training that becomes NaN stops, says where, and leaves the checkpoint of before."""

import logging
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.registry import OPTIM_WRAPPERS
from mmengine.runner import IterBasedTrainLoop
from torch.distributed.elastic.utils.distributed import get_free_port

from mmseg_dkd.engine import FiniteHook
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.methods.dkd.head import DKDHead
from mmseg_dkd.runs import Run
from mmseg_dkd.runs import resume as intact
from mmseg_dkd.runs import run as runs
from mmseg_dkd.utils import checkpoint_types
from tests.tiny import REPOSITORY

ITERATIONS = 4


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """They take longer than the training."""
    monkeypatch.setattr(runs, 'draw', lambda *args: None)
    monkeypatch.setattr(runs, 'predict_samples', lambda *args: None)


class Trap(torch.autograd.Function):
    """1, whose gradient is what is given."""

    @staticmethod
    def forward(ctx, x, gradient):
        ctx.gradient = gradient
        return torch.ones_like(x)

    @staticmethod
    def backward(ctx, _):
        return torch.full_like(_, ctx.gradient), None


@pytest.fixture
def run(tiny, tmp_path):
    """Step 0 in four iterations; the function plants something in the losses of one of them."""
    folder = tmp_path / 'run'
    loss_by_feat, run_iter = DKDHead.loss_by_feat, IterBasedTrainLoop.run_iter
    now = [0]

    def train(plant=None, iteration=0, resume=False, **optim):
        cfg = tiny(iterations=ITERATIONS)
        cfg.optim_wrapper.update(optim)
        cfg.default_hooks.checkpoint.max_keep_ckpts = -1

        def count(self, batch):
            now[0] = self._iter + 1
            run_iter(self, batch)

        def planted(self, *args, **kwargs):
            losses = loss_by_feat(self, *args, **kwargs)
            if now[0] == iteration:
                name = next(name for name in losses if 'loss' in name)
                losses[name] = plant(losses[name])
            return losses

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(IterBasedTrainLoop, 'run_iter', count)
            patch.setattr(DKDHead, 'loss_by_feat', planted)
            return Run(cfg, folder).run([0], resume=resume)

    train.folder = folder
    return train


def checkpoints(folder):
    return {
        f.name: checkpoint_types.load(f)['state_dict'] for f in folder.glob('step_0/iter_*.pth')
    }


def test_a_loss_that_is_nan_stops_and_what_was_before_can_be_resumed(run):
    told = r'4-2, step 0, iteration 3: the loss is not finite: loss=nan, decode\.loss_\w+=nan'
    with pytest.raises(RuntimeError, match=told) as caught:
        run(lambda loss: loss * float('nan'), iteration=3)
    assert 'acc_seg' not in str(caught.value) and '--steps 0' in str(caught.value)
    (log,) = run.folder.glob('step_0/*/*.log')
    assert str(caught.value) in log.read_text(), 'nobody finds a lost terminal again'
    left = checkpoints(run.folder)
    assert sorted(left) == ['iter_1.pth', 'iter_2.pth']
    assert all(t.isfinite().all() for state in left.values() for t in state.values())
    (entry,) = run(resume=True)
    assert entry['step'] == 0 and entry['miou_all'] > 0
    resumed = checkpoints(run.folder)
    assert sorted(resumed) == [f'iter_{n}.pth' for n in (1, 2, 3, 4)]
    assert all(torch.equal(resumed['iter_2.pth'][k], t) for k, t in left['iter_2.pth'].items())


def runner_of(hub, folder):
    """What the hook reads of a runner."""
    cfg = Config(dict(scenario=dict(name='15-5'), step=1))
    logger = logging.getLogger('finite')
    return SimpleNamespace(message_hub=hub, cfg=cfg, iter=6, work_dir=folder, logger=logger)


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf'), 1e30])
def test_only_what_is_summed_to_the_loss_counts_and_only_if_not_finite(value, tmp_path):
    hub = MessageHub.get_instance(f'finite_{value}')
    outputs = {'loss': value, 'decode.loss_kd': 2.0, 'decode.acc_seg': float('nan')}
    for name, number in outputs.items():
        hub.update_scalar(f'train/{name}', number)
    # As GradScaler's overflow leaves it.
    hub.update_scalar('train/grad_norm', float('inf'))
    runner = runner_of(hub, tmp_path)
    if value == 1e30:
        FiniteHook().after_train_iter(runner, 6, None, outputs)
        return
    told = f'15-5, step 1, iteration 7: the loss .*: loss={value}, decode.loss_kd=2.0. The last'
    with pytest.raises(RuntimeError, match=told):
        FiniteHook().after_train_iter(runner, 6, None, outputs)


@pytest.mark.parametrize(
    'losses, limit, stops',
    [
        ([0.02, 9e3], 1e4, False),
        ([0.02, 1.1e4], 1e4, True),
        ([0.0, 50.0], 1e4, False),
        ([5e6, 4e10], 1e4, False),
        ([5e6, 6e10], 1e4, True),
        ([5.0, 1e3, 6e4], 1e4, True),
        ([-5.0, -6e4], 1e4, True),
        ([3.0, 31.0], 10, True),
        ([3.0, 1e300], float('inf'), False),
    ],
)
def test_loss_explodes_far_above_that_of_the_first_iteration(losses, limit, stops, tmp_path):
    hub = MessageHub.get_instance(f'explodes_{losses}_{limit}')
    runner, hook = runner_of(hub, tmp_path), FiniteHook(limit)
    for number, loss in enumerate(losses, 1):
        hub.update_scalar('train/loss', loss)
        if stops and number == len(losses):
            told = f'the loss explodes, it was {abs(losses[0]):.4g} at first: loss={loss}'
            with pytest.raises(RuntimeError, match=told.replace('+', r'\+')):
                hook.after_train_iter(runner, 6, None, dict(loss=loss))
        else:
            hook.after_train_iter(runner, 6, None, dict(loss=loss))


def test_learning_rate_that_is_far_too_high_stops_before_infinity_and_after_resuming(run):
    optimizer = dict(type='SGD', lr=1e4, momentum=0.9)
    told = r'iteration 2: the loss explodes, it was [\d.]+ at first: loss=\d+\.\d+, '
    with pytest.raises(RuntimeError, match=told):
        run(optimizer=optimizer)
    assert sorted(checkpoints(run.folder)) == ['iter_1.pth']
    # As a new process has it.
    MessageHub._instance_dict.clear()
    with pytest.raises(RuntimeError, match=told):
        run(optimizer=optimizer, resume=True)


def test_config_may_give_another_limit(tiny):
    cfg = step_config(tiny(), 0)
    cfg.custom_hooks.append(dict(type='FiniteHook', limit=1e6))
    intact.durable(cfg)
    limits = [hook.get('limit') for hook in cfg.custom_hooks if hook['type'] == 'FiniteHook']
    assert limits == [1e6]


def test_weights_that_are_not_finite_are_not_written_though_the_loss_is_finite(run):
    with pytest.raises(RuntimeError, match=r'iteration 2: \d+ tensors .* written: backbone'):
        run(lambda loss: loss + Trap.apply(loss, float('nan')), iteration=2)
    assert sorted(checkpoints(run.folder)) == ['iter_1.pth']
    assert (run.folder / 'step_0/last_checkpoint').read_text().endswith('iter_1.pth')


@OPTIM_WRAPPERS.register_module()
class CpuAmpOptimWrapper(OPTIM_WRAPPERS.get('AmpOptimWrapper')):
    """mmengine's, which insists on a GPU, with a scaler of the CPU and without autocast."""

    def __init__(self, **kwargs):
        super(OPTIM_WRAPPERS.get('AmpOptimWrapper'), self).__init__(**kwargs)
        self.loss_scaler = torch.amp.GradScaler(
            'cpu', init_scale=2.0**120, backoff_factor=2.0**-110
        )
        self._scale_update_param = None

    def optim_context(self, model):
        return super(OPTIM_WRAPPERS.get('AmpOptimWrapper'), self).optim_context(model)


def test_a_step_that_mixed_precision_skips_goes_on(run):
    run(
        lambda loss: loss + 1e3 * (loss - loss.detach()),
        iteration=2,
        type='CpuAmpOptimWrapper',
    )
    files = {n: checkpoint_types.load(run.folder / f'step_0/iter_{n}.pth') for n in (1, 2, 3)}
    scales = [file['optimizer']['loss_scaler']['scale'] for file in files.values()]
    assert scales == [2.0**120, 2.0**10, 2.0**10], 'the second step was to be skipped'
    weights = [file['state_dict']['decode_head.conv_seg.steps.0.weight'] for file in files.values()]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[1], weights[2])


@pytest.mark.slow
def test_all_processes_of_an_exploding_run_stop(tiny, tmp_path):
    tiny(iterations=9).dump(tmp_path / 'config.py')
    command = f'-m torch.distributed.run --nproc_per_node=2 --master_port={get_free_port()}'
    command = [*command.split(), 'tools/incremental_train.py', tmp_path / 'config.py']
    command += ['--work-dir', tmp_path / 'run', '--steps', '0', '--launcher', 'pytorch']
    done = subprocess.run(
        [sys.executable, *command, '--cfg-options', 'optim_wrapper.optimizer.lr=1e30'],
        cwd=REPOSITORY,
        env=dict(os.environ, PYTHONPATH=str(REPOSITORY)),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode != 0 and 'error: 4-2, step 0, iteration' in done.stderr
    assert 'Traceback' not in done.stderr.partition('error: 4-2')[0]
    left = checkpoints(tmp_path / 'run')
    assert 0 < len(left) < 9
    assert all(t.isfinite().all() for state in left.values() for t in state.values())
