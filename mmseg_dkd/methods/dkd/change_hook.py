"""Fig. 5: how far the reasoning scores move away from those of the old model."""

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor

from ...models.losses import decompose_logits
from ...models.segmentor import evaluating, segmentor_of


@HOOKS.register_module()
class ReasoningChangeHook(Hook):
    """Logs the norms of the change of z+, z- and z of the old classes while a step is trained.

    ``change/pos``, ``change/neg`` and ``change/logit``: the L2 norm over the old classes of the
    difference between the decode heads of student and teacher, averaged over images and positions
    of the batch. They go to the visualizer's backends (``vis_data/scalars.json``, TensorBoard,
    ...). The student answers in eval mode, so that no random number is used up: training goes on
    as without the hook. It costs a forward pass of both networks each time.

    Args:
        interval: Iterations from one measurement to the next.
    """

    def __init__(self, interval: int = 50) -> None:
        self.interval = interval

    @torch.no_grad()
    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict | None = None
    ) -> None:
        """Measure on the batch that was just learned from; nothing at step 0."""
        model = segmentor_of(runner)
        if model.teacher is None or not self.every_n_train_iters(runner, self.interval):
            return
        inputs = model.data_preprocessor(data_batch, True)['inputs']
        with evaluating(model):
            now, before = _scores(model, inputs), _scores(model.teacher, inputs)
        names = ('change/pos', 'change/neg', 'change/logit')
        change = {
            name: (new[:, : old.shape[1]] - old).norm(dim=1).mean().item()
            for name, new, old in zip(names, now, before, strict=True)
        }
        runner.visualizer.add_scalars(change, step=runner.iter + 1)


def _scores(model: torch.nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """z+, z- and z (with bias) of all classes of a model, ``[N, C, h, w]`` each."""
    classifier = model.decode_head.conv_seg
    feature = model.decode_head.feature(model.extract_feat(inputs))
    return *decompose_logits(feature, classifier.seen_weight), classifier(feature)
