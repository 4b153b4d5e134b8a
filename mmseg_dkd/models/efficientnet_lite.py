"""EfficientNet-Lite, a backbone for small machines."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.models.utils import InvertedResidualV3, make_divisible
from mmseg.registry import MODELS
from torch import Tensor, nn

# Expansion, channels, blocks, kernel size and first stride of the stages, before they are
# multiplied: Table 1 of arXiv 1905.11946.
STAGES = (
    (1, 16, 1, 3, 1),
    (6, 24, 2, 3, 2),
    (6, 40, 2, 5, 2),
    (6, 80, 3, 3, 2),
    (6, 112, 3, 5, 1),
    (6, 192, 4, 5, 2),
    (6, 320, 1, 3, 1),
)
STEM_CHANNELS = 32


@MODELS.register_module()
class EfficientNetLite(BaseModule):
    """The stem and the seven stages of an EfficientNet-Lite; the defaults are those of Lite2.

    It is EfficientNet (arXiv 1905.11946) without squeeze-and-excitation and with ReLU6. The
    channels of the stem, and the blocks of the first and of the last stage, are not multiplied.
    Convolutions of stride 2 pad as TensorFlow does. The last 1x1 convolution and the classifier
    are left out.

    Args:
        width: Multiplier of the channels, which are rounded to multiples of 8.
        depth: Multiplier of the blocks of a stage, rounded up.
        output_stride: Of the last map: 8, 16 or 32. A stage that would go beyond it has stride 1,
            and the kernels behind it are dilated, so that they see what they saw.
        out_indices: Stages whose maps are given, 0 to 6.
        norm_cfg: Config of the norms, BatchNorm if None. Its ``eps`` is 1e-3 if it names none.
        init_cfg: Of mmengine, such as ``dict(type='Pretrained', checkpoint=PATH)``.

    Raises:
        ValueError: If the output stride is another one, or there is no such stage.
    """

    def __init__(
        self,
        width: float = 1.1,
        depth: float = 1.2,
        output_stride: int = 32,
        out_indices: Sequence[int] = (1, 2, 4, 6),
        norm_cfg: dict | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if output_stride not in (8, 16, 32):
            raise ValueError(f'output_stride={output_stride} must be 8, 16 or 32')
        if not set(out_indices) <= set(range(len(STAGES))):
            raise ValueError(f'out_indices={out_indices} must be stages 0 to {len(STAGES) - 1}')
        self.out_indices = out_indices
        layers = dict(
            norm_cfg=dict(dict(type='BN', eps=1e-3), **(norm_cfg or {})),
            act_cfg=dict(type='ReLU6'),
        )
        self.stem = ConvModule(
            3, STEM_CHANNELS, 3, stride=2, conv_cfg=dict(type='Conv2dAdaptivePadding'), **layers
        )
        self.stages = nn.ModuleList()
        before, reached, dilation = STEM_CHANNELS, 2, 1
        for place, (expansion, base, blocks, kernel, stride) in enumerate(STAGES):
            if 0 < place < len(STAGES) - 1:
                blocks = ceil(blocks * depth)
            channels, first_dilation = make_divisible(base * width, 8), dilation
            if reached * stride > output_stride:
                stride, dilation = 1, dilation * stride
            reached *= stride
            stage = nn.Sequential()
            for index in range(blocks):
                block = InvertedResidualV3(
                    before,
                    channels,
                    expansion * before,
                    kernel,
                    stride if index == 0 else 1,
                    with_expand_conv=expansion > 1,
                    **layers,
                )
                _dilate(block.depthwise_conv.conv, first_dilation if index == 0 else dilation)
                stage.append(block)
                before = channels
            self.stages.append(stage)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """``[N, 3, H, W]`` to the maps ``[N, C, h, w]`` of ``out_indices``."""
        maps, x = [], self.stem(images)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps[i] for i in self.out_indices)


def _dilate(conv: nn.Conv2d, dilation: int) -> None:
    """mmseg's block takes no dilation; its MobileNetV3 sets it likewise."""
    if dilation > 1:
        conv.dilation = (dilation, dilation)
        conv.padding = (dilation * (conv.kernel_size[0] // 2),) * 2
