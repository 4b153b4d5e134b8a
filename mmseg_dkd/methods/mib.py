"""MiB: modeling the background (Cermelli et al., CVPR 2020)."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..labels import UNKNOWN, VOID
from ..models.method_registry import register_method
from ..models.precision import float32_at_least
from ..models.softmax_head import SoftmaxHead, pixels_in_mean


def unbiased_cross_entropy(
    logits: Tensor, label: Tensor, num_old: int, avg_non_ignore: bool = True
) -> Tensor:
    """Cross entropy in which unknown pixels may be background or any old class (Eq. 5 and 6).

    Args:
        logits: ``[N, 1 + C, H, W]``, background first, then the old classes.
        label: Integer ``[N, H, W]``: 0 unknown, 1 to C classes, 255 void.
        num_old: Number of old classes.
        avg_non_ignore: Whether the mean is over the pixels that are not void, or over all of
            which the void ones cost nothing.

    Returns:
        Scalar: the mean; 0 if all pixels are void.
    """
    log_q = float32_at_least(logits).log_softmax(1)
    unknown = log_q[:, : 1 + num_old].logsumexp(1, keepdim=True)
    log_q = torch.cat([unknown, log_q[:, 1:]], 1)
    loss = functional.nll_loss(log_q, label, ignore_index=VOID, reduction='sum')
    return loss / pixels_in_mean(label, avg_non_ignore)


def unbiased_distillation(
    logits: Tensor, teacher_logits: Tensor, counted: Tensor | None = None
) -> Tensor:
    """Cross entropy against the old model, whose background may be any new class (Eq. 8 and 9).

    Args:
        logits: ``[N, 1 + C, H, W]``, background first, then the old classes.
        teacher_logits: ``[N, 1 + C_old, H, W]``; no gradient reaches it.
        counted: Bool ``[N, H, W]``: the pixels of the mean; all if omitted.

    Returns:
        Scalar: the mean over the pixels and the ``1 + C_old`` channels; 0 without a pixel.
    """
    channels = teacher_logits.shape[1]
    log_q = float32_at_least(logits).log_softmax(1)
    background = torch.cat([log_q[:, :1], log_q[:, channels:]], 1).logsumexp(1, keepdim=True)
    log_q = torch.cat([background, log_q[:, 1:channels]], 1)
    terms = -(float32_at_least(teacher_logits.detach()).softmax(1) * log_q)
    if counted is None:
        return terms.mean()
    return (terms.mean(1) * counted).sum() / counted.sum().clamp(min=1)


def background_start(
    head: SoftmaxHead, state: dict[str, Tensor], name: str, fresh: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Classifiers of a step in which background and new classes share the probability that the old
    model gave the background (Eq. 10).

    The probability of each old class, and of background and new classes together, stays what it
    was.

    Args:
        head: The head that starts.
        state, name, fresh: As for :meth:`.IncrementalHead.start_new_classes`.

    Returns:
        The tensors of the background's classifier and of the new ones.
    """
    started = {}
    share = math.log(1 + len(head.new_labels))
    for part, less in (('weight', 0.0), ('bias', share)):
        background = state[f'{name}.conv_seg.background.{part}'] - less
        new = f'{name}.conv_seg.steps.{head.step}.{part}'
        started[f'{name}.conv_seg.background.{part}'] = background
        started[new] = background.expand_as(fresh[new]).clone()
    return started


class UnbiasedHead(SoftmaxHead):
    """The losses of MiB, which other methods have too; new classes start at random.

    Args:
        kd_weight: Weight of the distillation, 10 in the paper (100 for VOC 15-1).
    """

    LATER_ONLY: tuple[str, ...] = ('kd_weight',)

    def __init__(self, *, kd_weight: float = 10.0, **cfg) -> None:
        super().__init__(**cfg)
        self.kd_weight = kd_weight

    def teacher_outputs(self, inputs: list[Tensor], student: 'UnbiasedHead') -> Any:
        """The logits ``[N, 1 + C_old, h, w]``."""
        return self(inputs)

    def loss_by_logits(
        self, logits: Tensor, label: Tensor, teacher: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Both terms; at step 0 the cross entropy is the ordinary one."""
        if teacher is None:
            return super().loss_by_logits(logits, label)
        unbiased = unbiased_cross_entropy(logits, label, self.conv_seg.num_old, self.avg_non_ignore)
        # Without a background the old model has a class for everything: where a new one is
        # labelled, it cannot be right.
        counted = None if self.background else label == UNKNOWN
        kd = unbiased_distillation(logits, self.resize_to(teacher, label), counted)
        return dict(loss_ce=self.loss_decode.loss_weight * unbiased, loss_kd=self.kd_weight * kd)


@register_method
class MiBHead(UnbiasedHead):
    """Unbiased cross entropy and distillation; new classes share the old background.

    Without a background, new classes start at random and share the pixels of the old ones: an
    unknown pixel may be any old class, and none is distilled where a new class is labelled.
    """

    OPTIONAL_BACKGROUND = True
    PARTLY_LABELLED = True

    def start_new_classes(
        self, state: dict[str, Tensor], name: str, fresh: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """By :func:`background_start`; at random without a background."""
        started = super().start_new_classes(state, name, fresh)
        if not self.background:
            return started
        return started | background_start(self, state, name, fresh)
