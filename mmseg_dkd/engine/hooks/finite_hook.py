"""Stops a training whose loss explodes, or has become NaN or infinite."""

import math

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS


@HOOKS.register_module()
class FiniteHook(Hook):
    """Lets no loss go on that explodes or is not finite, and no weight be written that is not.

    A loss explodes when its absolute value is above ``limit`` times that of the step's first
    iteration, or above ``limit`` where that one is below 1. The first one is in the history that
    mmengine keeps in its checkpoints, so a resumed step has the same bound.

    The losses are those that mmengine's ``RuntimeInfoHook`` has brought to the host already, in
    every iteration, so that looking at them waits for nothing on a GPU. A step that mixed precision
    skips because its scaled gradients overflow has a finite loss, and is let pass. Weights are
    looked at as they are written, on the host: a gradient can be NaN where the loss is not.

    Args:
        limit: How far a loss may rise. A step has one by default; to change it, add
            ``dict(type='FiniteHook', limit=...)`` to ``custom_hooks``; ``float('inf')`` is none.

    Raises:
        RuntimeError: With scenario, step, iteration and what is wrong, in any of the
            processes; their launcher ends the others.
    """

    # Behind RuntimeInfoHook, before everything that writes.
    priority = 'HIGH'

    def __init__(self, limit: float = 1e4) -> None:
        self.limit = limit

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: dict | None = None
    ) -> None:
        """Look at every term that is summed to the loss."""
        hub = runner.message_hub
        terms = {
            name: hub.get_scalar(f'train/{name}').current()
            for name in outputs or ()
            if 'loss' in name
        }
        problem = None
        if not all(map(math.isfinite, terms.values())):
            problem = 'the loss is not finite'
        elif 'loss' in terms:
            first = abs(hub.get_scalar('train/loss').data[0][0])
            if abs(terms['loss']) > self.limit * max(1.0, first):
                problem = f'the loss explodes, it was {first:.4g} at first'
        if problem is not None:
            found = ', '.join(f'{name}={value}' for name, value in terms.items())
            raise RuntimeError(_stopped(runner, runner.iter + 1, f'{problem}: {found}'))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Look at every weight and every statistic of a normalisation."""
        wrong = [
            name for name, t in checkpoint['state_dict'].items() if not torch.isfinite(t).all()
        ]
        if wrong:
            found = ', '.join(wrong[:5]) + ', ...' * (len(wrong) > 5)
            text = f'{len(wrong)} tensors of the model are not finite, and not written: {found}'
            raise RuntimeError(_stopped(runner, checkpoint['meta']['iter'], text))


def _stopped(runner: Runner, iteration: int, problem: str) -> str:
    step = runner.cfg.step
    text = (
        f'{runner.cfg.scenario.name}, step {step}, iteration {iteration}: {problem}. The last '
        f'checkpoint in {runner.work_dir} is of before it: --resume goes on from there. If it '
        'happens again, lower the learning rate (optim_wrapper.optimizer.lr) or clip the gradients '
        f'(optim_wrapper.clip_grad), and train the step anew by --steps {step}'
    )
    # The log of the step would end without a word.
    runner.logger.error(text)
    return text
