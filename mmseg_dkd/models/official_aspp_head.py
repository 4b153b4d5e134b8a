"""The ASPP head of the DKD authors' network."""

from __future__ import annotations

from collections.abc import Sequence

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads import ASPPHead
from mmseg.registry import MODELS
from torch import nn


@MODELS.register_module()
class OfficialASPPHead(ASPPHead):
    """mmseg's ``ASPPHead`` with the tail of torchvision's ``DeepLabHead``.

    mmseg reduces the concatenated branches with one 3x3 conv. Here ``bottleneck`` is a 1x1
    projection, a dropout on single elements and a 3x3 conv, each conv with norm and activation.

    The branches stay in mmseg's order, image pooling first; the authors put it last. This is the
    same network with the projection's input channels permuted, which
    :func:`.from_official` does to their checkpoints.

    Args:
        dilations: Rate of each ASPP branch; 1 makes it a 1x1 conv.
        projection_dropout: Dropout probability behind the projection, in [0, 1].
        dropout_ratio: Dropout probability in front of ``conv_seg``, in [0, 1]. The authors have
            none there, so unlike mmseg's default of 0.1 it is 0.
        **kwargs: Further arguments of ``ASPPHead``.
    """

    def __init__(
        self,
        dilations: Sequence[int] = (1, 6, 12, 18),
        projection_dropout: float = 0.1,
        dropout_ratio: float = 0.0,
        **kwargs,
    ) -> None:
        super().__init__(dilations=dilations, dropout_ratio=dropout_ratio, **kwargs)
        layer_cfg = dict(conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)
        self.bottleneck = nn.Sequential(
            ConvModule((len(dilations) + 1) * self.channels, self.channels, 1, **layer_cfg),
            nn.Dropout(projection_dropout),
            ConvModule(self.channels, self.channels, 3, padding=1, **layer_cfg),
        )
