"""Prediction by one sigmoid a class (Eq. 12)."""

import math

import torch
from torch import Tensor

from .classifier import StepClassifiers
from .incremental_head import IncrementalHead
from .losses import MultiBCELoss


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
        """One 1x1 convolution a step."""
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

    def uncertainty(self, prediction: Tensor) -> Tensor:
        """One minus the sigmoid; of background, which no classifier knows, 1 - tau."""
        return (-prediction).sigmoid()
