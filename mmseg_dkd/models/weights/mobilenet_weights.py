"""Rename the weights of the reference MobileNetV2 for mmsegmentation's backbone of that name."""

from collections.abc import Mapping

import torch
from mmseg.models.backbones import MobileNetV2
from torch import Tensor

from .rename import names_of_layer, rename

_BLOCKS_PER_LAYER = (1, 2, 3, 4, 3, 3, 1)
# The backbone ends before the last 1 x 1 convolution and the classifier.
_DROPPED = ('features.18.', 'classifier.')


def name_map() -> dict[str, str]:
    """Return every source name with its name in mmsegmentation's ``MobileNetV2``."""
    names = names_of_layer('features.0.0', 'features.0.1', 'conv1')
    block = 0
    for layer, blocks in enumerate(_BLOCKS_PER_LAYER, start=1):
        for index in range(blocks):
            block += 1
            source = f'features.{block}.conv'
            # The first block does not expand its input, so it has one convolution less.
            for conv in range(2 if block == 1 else 3):
                names |= names_of_layer(
                    f'{source}.{3 * conv}',
                    f'{source}.{3 * conv + 1}',
                    f'layer{layer}.{index}.conv.{conv}',
                )
    return names


def convert(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a MobileNetV2 (width 1.0) state dict for ``mmseg.models.MobileNetV2``.

    Args:
        state_dict: flat names, ``features.1.conv.0.weight``, as torchvision published them at
            first. ``features.18`` and ``classifier`` are dropped. The nested names of today's
            torchvision (``features.1.conv.0.0.weight``) are refused.

    Returns:
        The same tensors, not copied, under names without a prefix; loads with ``strict=True``.

    Raises:
        ValueError: names are missing or surplus, or shapes are not those of width 1.0; the message
            lists them.
    """
    with torch.device('meta'):
        network = MobileNetV2()
    return rename(state_dict, name_map(), _DROPPED, network)
