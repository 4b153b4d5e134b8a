"""The classifiers of DKD."""

from collections.abc import Sequence

from torch import nn

from ...models.classifier import StepClassifiers


class DKDClassifier(StepClassifiers):
    """The classifiers of all steps (G of Fig. 1), and the auxiliary one (H)."""

    def __init__(self, in_channels: int, classes_per_step: Sequence[int]) -> None:
        super().__init__(in_channels, classes_per_step)
        self.auxiliary = nn.Conv2d(in_channels, 1, 1)

    def train_only_what_losses_reach(self, kd: bool, dkd: bool, ac: bool) -> None:
        """Take parameters without a loss term out of training.

        They would get no gradient anyway; said ahead, distributed training need not search for
        them. The scores of Eq. 6 have no bias, so DKD alone does not reach it.
        """
        for step in self.steps[:-1]:
            step.weight.requires_grad_(kd or dkd)
            step.bias.requires_grad_(kd)
        self.auxiliary.requires_grad_(ac)
