"""Keeps what gradients were gathered for the next update."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from ...models.segmentor import segmentor_of

KEY = 'gathered_gradients'


@HOOKS.register_module()
class GradientHook(Hook):
    """Puts gradients of ``accumulative_counts`` that wait for their update into the checkpoint.

    mmengine leaves them out, so a step that is resumed between two updates would end otherwise.
    Those of one process are kept; with several, :func:`mmseg_dkd.runs.plan.plan_of` asks for
    checkpoints at updates.
    """

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Gradients by the name of their weight; after an update there are none."""
        weights = segmentor_of(runner).named_parameters()
        found = {name: w.grad.cpu() for name, w in weights if w.grad is not None}
        if found:
            checkpoint[KEY] = found

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Give them back, if the training goes on."""
        if runner._resume:
            for name, gradient in checkpoint.get(KEY, {}).items():
                weight = segmentor_of(runner).get_parameter(name)
                weight.grad = gradient.to(weight)
