"""A small network of its own for the unknown, the background and the classes of each step."""

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule, ModuleList, Sequential
from torch import Tensor, nn


class UnknownClassifiers(BaseModule):
    """``conv_seg`` of SSUL: groups of 3x3 conv, norm, ReLU and 1x1 conv on a shared feature.

    Its parts are mmengine's modules, so that mmseg's heads, which initialise all of ``conv_seg`` as
    if it were a single convolution, leave the norms as they should be.

    Args:
        in_channels: D, channels of the feature and of each group's 3x3 conv.
        classes_per_step: Number of classes of each step up to the current one.
        norm_cfg: Config of the norms; BatchNorm if None.
    """

    def __init__(
        self, in_channels: int, classes_per_step: Sequence[int], norm_cfg: dict | None = None
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.num_old = sum(classes_per_step[:-1])
        self.num_seen = sum(classes_per_step)
        norm_cfg = norm_cfg or dict(type='BN')
        self.unknown = _group(in_channels, 1, norm_cfg)
        self.background = _group(in_channels, 1, norm_cfg)
        self.steps = ModuleList(_group(in_channels, n, norm_cfg) for n in classes_per_step)

    def forward(self, feature: Tensor) -> Tensor:
        """``[N, D, h, w]`` to logits ``[N, 2 + C, h, w]``: unknown, background, classes."""
        groups = (self.unknown, self.background, *self.steps)
        return torch.cat([group(feature) for group in groups], dim=1)


def _group(channels: int, classes: int, norm_cfg: dict) -> Sequential:
    return Sequential(
        ConvModule(channels, channels, 3, padding=1, norm_cfg=norm_cfg),
        nn.Conv2d(channels, classes, 1),
    )
