"""From the parameter names of the DKD authors' checkpoints to those of mmseg.

The mmseg side is an ``EncoderDecoder`` with mmseg's ``ResNet`` and
:class:`~mmseg_dkd.models.official_aspp_head.OfficialASPPHead`. The authors' classifiers
(``cls.0`` and on) are not handled here, as their place depends on the head in use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

_LEAF = r'(?:weight|bias|running_mean|running_var|num_batches_tracked)'
# mmseg's ResNet has torchvision's names.
_BACKBONE = re.compile(
    rf'backbone\.(?:conv1|bn1|layer[1-4]\.\d+\.(?:conv[123]|bn[123]|downsample\.[01]))\.{_LEAF}'
)
_ASPP = re.compile(rf'(aspp\..+)\.({_LEAF})')
_ASPP_MODULES = {
    **{f'aspp.convs.{i}.0': f'decode_head.aspp_modules.{i}.conv' for i in range(4)},
    **{f'aspp.convs.{i}.1': f'decode_head.aspp_modules.{i}.bn' for i in range(4)},
    'aspp.convs.4.1': 'decode_head.image_pool.1.conv',
    'aspp.convs.4.2': 'decode_head.image_pool.1.bn',
    'aspp.project.0': 'decode_head.bottleneck.0.conv',
    'aspp.project.1': 'decode_head.bottleneck.0.bn',
    'aspp.last_conv.0': 'decode_head.bottleneck.2.conv',
    'aspp.last_conv.1': 'decode_head.bottleneck.2.bn',
}
_PROJECTION = 'aspp.project.0.weight'
_NUM_BRANCHES = 5


def to_mmseg_name(official: str) -> str:
    """Return mmseg's name of one of the authors' backbone or ASPP parameters.

    Raises:
        KeyError: If the name is neither of the two, e.g. that of a classifier.
    """
    if _BACKBONE.fullmatch(official):
        return official
    match = _ASPP.fullmatch(official)
    if match is None or match[1] not in _ASPP_MODULES:
        raise KeyError(f'{official!r} is no backbone or ASPP parameter of the official network')
    return f'{_ASPP_MODULES[match[1]]}.{match[2]}'


def convert_backbone_and_aspp(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert the authors' state dict, without its classifiers, to mmseg's names and order.

    Args:
        state_dict: Official names to tensors; take the ``cls.*`` entries out first. It is left
            unchanged, and every tensor but the projection's is shared with the result.

    Returns:
        mmseg names to tensors. Absent entries stay absent: load the result with ``strict=True``
        or look at the missing keys.

    Raises:
        KeyError: If an entry belongs neither to the backbone nor to the ASPP.
        ValueError: If the projection's input channels are not five branches of equal width.
    """
    converted = {to_mmseg_name(name): tensor for name, tensor in state_dict.items()}
    if _PROJECTION in state_dict:
        converted[to_mmseg_name(_PROJECTION)] = _pooling_first(state_dict[_PROJECTION])
    return converted


def _pooling_first(weight: Tensor) -> Tensor:
    """Move the image pooling's input channels from the end to the front.

    Args:
        weight: Projection weight of shape (channels, 5 * branch channels, 1, 1).
    """
    branch_channels, rest = divmod(weight.shape[1], _NUM_BRANCHES)
    if rest:
        raise ValueError(
            f'{_PROJECTION} has {weight.shape[1]} input channels, '
            f'expected a multiple of {_NUM_BRANCHES}'
        )
    return torch.roll(weight, shifts=branch_channels, dims=1)
