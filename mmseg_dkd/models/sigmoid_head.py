"""Prediction by one sigmoid per class (Eq. 12)."""

import math

import torch
from torch import Tensor

from .classifier import StepClassifiers
from .incremental_head import IncrementalHead
from .losses import MultiBCELoss


def against_background(weight: Tensor, bias: Tensor, tau_logit: float) -> tuple[Tensor, Tensor]:
    """Classifiers with logits z that predict (Eq. 12) what a softmax over logits s predicts.

    ``z_c = s_c - s_0 + logit(tau)``, so what the head compares, ``[logit(tau), z_1, ..., z_C]``, is
    s less one number a pixel: argmax and softmax over it are those of the softmax model, before and
    after resizing, flipping and sliding.

    At tau 0.5 the sigmoid of z_c is the probability of class c if the pixel is either c or
    background. The softmax never asked how likely c is against another class, so where the pixel
    shows one, z_c may be above the threshold too, below that class's. Classifiers trained by Eq. 3
    are negative there.

    Args:
        weight: ``[1 + C, D, 1, 1]``, background first.
        bias: ``[1 + C]``.
        tau_logit: logit(tau).

    Returns:
        Weight ``[C, D, 1, 1]`` and bias ``[C]``.
    """
    return weight[1:] - weight[:1], bias[1:] - bias[:1] + tau_logit


class SigmoidHead(IncrementalHead):
    """An incremental head whose classes are predicted each on its own.

    Args:
        tau: Threshold of Eq. 12.

    Raises:
        ValueError: If tau is no probability.
    """

    TASK_LOSS = MultiBCELoss

    def __init__(self, *, tau: float = 0.5, **cfg) -> None:
        if not 0 < tau < 1:
            raise ValueError(f'tau must be a probability between 0 and 1, got {tau}')
        super().__init__(**cfg)
        self.tau = tau

    def make_classifier(self, in_channels: int, sizes: list[int]) -> StepClassifiers:
        """One 1x1 convolution per step."""
        return StepClassifiers(in_channels, sizes)

    @property
    def tau_logit(self) -> float:
        """logit(tau): what a logit must exceed for its class to be predicted."""
        return math.log(self.tau / (1 - self.tau))

    def prediction_of(self, feature: Tensor) -> Tensor:
        """Eq. 12 as logits: ``[N, 1 + C, h, w]``, a constant channel ``logit(tau)``, then z.

        The argmax over it is background exactly where no class reaches tau.
        """
        logits = self.conv_seg(feature)
        return torch.cat([torch.full_like(logits[:, :1], self.tau_logit), logits], dim=1)

    def as_convolution(self) -> tuple[Tensor, Tensor]:
        """The classifiers behind a channel of zero weight and bias logit(tau)."""
        weight, bias = self.conv_seg.seen_weight, self.conv_seg.seen_bias
        zero, threshold = torch.zeros_like(weight[:1]), torch.full_like(bias[:1], self.tau_logit)
        return torch.cat([zero, weight]), torch.cat([threshold, bias])

    def from_softmax(self, weight: Tensor, bias: Tensor) -> dict[str, Tensor]:
        """By :func:`against_background`."""
        converted = against_background(weight, bias, self.tau_logit)
        return dict(zip(('steps.0.weight', 'steps.0.bias'), converted, strict=True))

    def uncertainty(self, prediction: Tensor) -> Tensor:
        """One minus the sigmoid; of background, which no classifier knows, 1 - tau."""
        return (-prediction).sigmoid()
