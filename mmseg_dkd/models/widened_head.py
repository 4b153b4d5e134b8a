"""A head of mmseg, and rows for more classes that see the backbone's maps as well."""

from collections.abc import Sequence

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn


def widened(feature: Tensor, maps: Sequence[Tensor]) -> Tensor:
    """The feature of a head ``[N, D, h, w]``, and behind it all maps of the backbone in its size:
    ``[N, D + M, h, w]``."""
    size = feature.shape[2:]
    return torch.cat([feature, *(resize(m, size, mode='bilinear') for m in maps)], 1)


class NewRows(nn.Module):
    """A 1x1 convolution on what is centred, and scaled by one number.

    Args:
        in_channels: M.
        classes: Number of rows.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, classes, 1)
        nn.init.zeros_(self.conv.weight)
        nn.init.zeros_(self.conv.bias)
        self.register_buffer('mean', torch.zeros(in_channels))
        self.register_buffer('scale', torch.ones(()))

    def forward(self, wide: Tensor) -> Tensor:
        """``[N, M, h, w]`` to logits ``[N, classes, h, w]``."""
        return self.conv((wide - self.mean[:, None, None]) / self.scale)


@MODELS.register_module()
class WidenedHead(BaseDecodeHead):
    """Predicts by the logits of a head, and behind them those of new rows.

    Args:
        head: Config of the head, which ends in a 1x1 ``conv_seg``.
        rows: Numbers of classes that were added, in their order.
        maps: Channels of the backbone's maps; empty if the rows do not see them.
    """

    def __init__(self, head: dict, rows: Sequence[int], maps: Sequence[int], **kwargs) -> None:
        stock = MODELS.build(head)
        super().__init__(
            in_channels=stock.conv_seg.in_channels,
            channels=stock.conv_seg.in_channels,
            num_classes=stock.num_classes + sum(rows),
            align_corners=stock.align_corners,
            **kwargs,
        )
        del self.conv_seg
        # It gives the feature in front of its classifier. As an attribute, a module would not
        # replace a method.
        stock.__dict__['cls_seg'] = nn.Identity()
        self.head = stock
        self.maps = maps
        wide = stock.conv_seg.in_channels + sum(maps)
        self.rows = nn.ModuleList(NewRows(wide, count) for count in rows)

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Maps of the backbone to logits ``[N, num_classes, h, w]``."""
        feature = self.head(inputs)
        wide = widened(feature, inputs if self.maps else [])
        return torch.cat([self.head.conv_seg(feature), *(rows(wide) for rows in self.rows)], 1)
