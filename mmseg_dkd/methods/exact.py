"""Exact: new classifiers beside a model that stays as it is, bit for bit (docs/teach.md)."""

from typing import Any, cast

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from ..models.method_registry import register_method
from ..models.segmentor import IncrementalSegmentor, evaluating
from ..models.softmax_head import SoftmaxHead
from .mib import unbiased_cross_entropy

# Batches by which the size of the feature is known: it is a mean over thousands of pixels.
BATCHES = 8


@register_method
class ExactHead(SoftmaxHead):
    """New rows of the classifier learn, and nothing else does.

    The logits of all old classes stay what they were. So a pixel changes its class only where a new
    class has the highest logit, and then from an old class to a new one.

    The loss is MiB's Eq. 5 over fixed old logits ``s``: with one new logit z, it is the logistic
    regression of ``z - log sum_c exp(s_c)`` on whether the pixel shows the new class. A linear
    classifier of a few images fits too much, so its weights w cost ``penalty E[|f|^2] |w|^2``. The
    mean over the features f of the new images makes it independent of their scale.

    Args:
        penalty: Weight of this term; 0 for none.
    """

    LATER_ONLY = ('penalty',)
    OPTIONAL_BACKGROUND = True
    PARTLY_LABELLED = True
    feature_square: Tensor

    def __init__(self, *, penalty: float = 0.006, **cfg) -> None:
        super().__init__(**cfg)
        self.penalty = penalty
        if self.step > 0:
            self.register_buffer('feature_square', torch.zeros(()))

    def prepare(self, model: nn.Module) -> None:
        """Freeze all but the new classifiers, those of auxiliary heads included."""
        if self.step > 0:
            heads = cast(IncrementalSegmentor, model).incremental_heads
            model.learn_only([f'{name}.conv_seg.steps.{self.step}' for name in heads])

    def start_new_classes(
        self, state: dict[str, Tensor], name: str, fresh: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """At random."""
        started = super().start_new_classes(state, name, fresh)
        square = f'{name}.feature_square'
        return started | {square: fresh[square]}

    @torch.no_grad()
    def before_step(self, model: Any, loader: Any) -> None:
        """Measure ``E[|f|^2]`` on the first batches of the step."""
        squares = []
        with evaluating(model):
            for _, data in zip(range(BATCHES), loader, strict=False):
                inputs = model.data_preprocessor(data, True)['inputs']
                feature = self.feature(model.extract_feat(inputs))
                squares.append(feature.float().square().sum(1).mean())
        square = torch.stack(squares).mean()
        all_reduce(square, 'mean')
        self.feature_square.copy_(square)

    def loss_by_logits(
        self, logits: Tensor, label: Tensor, teacher: Any = None
    ) -> dict[str, Tensor]:
        """Both terms; at step 0 the ordinary cross entropy.

        Args:
            logits: ``[N, 1 + C, H, W]``.
            label: ``[N, H, W]``.
            teacher: Not asked.
        """
        if self.step == 0:
            return super().loss_by_logits(logits, label)
        unbiased = unbiased_cross_entropy(logits, label, self.conv_seg.num_old, self.avg_non_ignore)
        losses = dict(loss_ce=self.loss_decode.loss_weight * unbiased)
        if self.penalty:
            size = self.conv_seg.steps[-1].weight.square().sum()
            losses['loss_norm'] = self.penalty * self.feature_square * size
        return losses
