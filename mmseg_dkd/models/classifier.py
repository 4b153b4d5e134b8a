"""The classifiers of all steps so far."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Within the range of half precision.
NEVER = -1e4


class StepClassifiers(nn.Module):
    """One 1x1 convolution per step (G of Fig. 1), in place of ``conv_seg``.

    Args:
        in_channels: D, channels of the feature.
        classes_per_step: Number of classes of each step up to the current one.
    """

    def __init__(self, in_channels: int, classes_per_step: Sequence[int]) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.num_old = sum(classes_per_step[:-1])
        self.num_seen = sum(classes_per_step)
        self.steps = nn.ModuleList(nn.Conv2d(in_channels, n, 1) for n in classes_per_step)

    @torch.no_grad()
    def keep(self, rows: Sequence[Sequence[int]]) -> None:
        """Forget the other classes.

        Args:
            rows: Of each step, the numbers of the classes among its own that stay.
        """
        for step, left in zip(self.steps, rows, strict=True):
            step.weight = nn.Parameter(step.weight[list(left)])
            step.bias = nn.Parameter(step.bias[list(left)])
            step.out_channels = len(left)
        self.num_old = sum(map(len, rows[:-1]))
        self.num_seen = sum(map(len, rows))

    def forward(self, feature: Tensor) -> Tensor:
        """Eq. 2: ``[N, D, h, w]`` to logits ``[N, C, h, w]`` of the seen classes, as learned."""
        # One convolution of all classes: one per step would cost more with every step.
        return F.conv2d(feature, self.seen_weight, self.seen_bias)

    # Not "weight" and "bias": mmengine would initialise them.
    @property
    def seen_weight(self) -> Tensor:
        """``[C, D, 1, 1]``, the weights of all seen classes."""
        return torch.cat([step.weight for step in self.steps])

    @property
    def seen_bias(self) -> Tensor:
        """``[C]``, the biases of all seen classes."""
        return torch.cat([step.bias for step in self.steps])

    @property
    def old_weight(self) -> Tensor:
        """``[C_old, D]``, the weights of the classes of all steps before the current one."""
        return torch.cat([step.weight for step in self.steps[:-1]]).flatten(1)


class SoftmaxClassifier(StepClassifiers):
    """The classifiers of all steps, and one of the background, for a softmax over all.

    Args:
        in_channels, classes_per_step: As for :class:`StepClassifiers`.
        background: Whether there is a background. Without one, its logit is ``NEVER``, of which a
            softmax makes a probability of 0.
    """

    def __init__(
        self, in_channels: int, classes_per_step: Sequence[int], background: bool = True
    ) -> None:
        super().__init__(in_channels, classes_per_step)
        self.background = nn.Conv2d(in_channels, 1, 1) if background else None

    def forward(self, feature: Tensor) -> Tensor:
        """``[N, D, h, w]`` to logits ``[N, 1 + C, h, w]``, background first."""
        if self.background is None:
            return F.pad(super().forward(feature), (0, 0, 0, 0, 1, 0), value=NEVER)
        # One convolution, as in a stock model, whose logits these are to the bit.
        weight = torch.cat([self.background.weight, self.seen_weight])
        bias = torch.cat([self.background.bias, self.seen_bias])
        return F.conv2d(feature, weight, bias)
