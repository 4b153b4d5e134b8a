"""Rename the weights of the reference EfficientNet-Lite2 for :class:`.EfficientNetLite`."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ..efficientnet_lite import EfficientNetLite
from .rename import names_of_layer, rename

_BLOCKS_PER_STAGE = (1, 3, 3, 4, 4, 5, 1)
# Of a block: its convolutions and norms, and what both become.
_LAYERS = (
    ('_expand_conv', '_bn0', 'expand_conv'),
    ('_depthwise_conv', '_bn1', 'depthwise_conv'),
    ('_project_conv', '_bn2', 'linear_conv'),
)
# The backbone ends before the last 1 x 1 convolution and the classifier.
_DROPPED = ('_conv_head.', '_bn1.', '_fc.')


def name_map() -> dict[str, str]:
    """Return every source name with its name in ``EfficientNetLite``."""
    names = names_of_layer('_conv_stem', '_bn0', 'stem')
    blocks = [
        f'stages.{stage}.{index}'
        for stage, count in enumerate(_BLOCKS_PER_STAGE)
        for index in range(count)
    ]
    for number, block in enumerate(blocks):
        source = f'_blocks.{number}'
        # The first block does not expand its input.
        for conv, norm, target in _LAYERS[number == 0 :]:
            names |= names_of_layer(f'{source}.{conv}', f'{source}.{norm}', f'{block}.{target}')
    return names


def convert(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename an EfficientNet-Lite2 state dict for :class:`.EfficientNetLite`.

    Args:
        state_dict: with the names of ``efficientnet_lite_pytorch``, such as
            ``_blocks.0._depthwise_conv.weight``. ``_conv_head``, ``_bn1`` and ``_fc`` are dropped.

    Returns:
        The same tensors, not copied, under names without a prefix; loads with ``strict=True``.

    Raises:
        ValueError: names are missing or surplus, or shapes are not Lite2's; the message lists them.
    """
    with torch.device('meta'):
        network = EfficientNetLite()
    return rename(state_dict, name_map(), _DROPPED, network)
