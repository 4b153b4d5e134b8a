"""Parameter names of the DKD authors' checkpoints and ours, in both directions.

Ours are those of an ``IncrementalSegmentor`` with mmseg's ``ResNet`` and a ``DKDHead`` over
:class:`~mmseg_dkd.models.official_aspp_head.OfficialASPPHead`.
"""

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

_LEAF = r'(?:weight|bias|running_mean|running_var|num_batches_tracked)'
# mmseg's ResNet has torchvision's names.
_BACKBONE = re.compile(
    rf'backbone\.(?:conv1|bn1|layer[1-4]\.\d+\.(?:conv[123]|bn[123]|downsample\.[01]))\.{_LEAF}'
)
_MODULE = re.compile(rf'(.+)\.({_LEAF})')
_OFFICIAL_MODULES = {
    **{f'aspp.convs.{i}.0': f'decode_head.aspp_modules.{i}.conv' for i in range(4)},
    **{f'aspp.convs.{i}.1': f'decode_head.aspp_modules.{i}.bn' for i in range(4)},
    'aspp.convs.4.1': 'decode_head.image_pool.1.conv',
    'aspp.convs.4.2': 'decode_head.image_pool.1.bn',
    'aspp.project.0': 'decode_head.bottleneck.0.conv',
    'aspp.project.1': 'decode_head.bottleneck.0.bn',
    'aspp.last_conv.0': 'decode_head.bottleneck.2.conv',
    'aspp.last_conv.1': 'decode_head.bottleneck.2.bn',
    'cls.0': 'decode_head.conv_seg.auxiliary',
}
_OUR_MODULES = {ours: official for official, ours in _OFFICIAL_MODULES.items()}
_OFFICIAL_STEP = re.compile(r'cls\.(\d+)')
_OUR_STEP = re.compile(r'decode_head\.conv_seg\.steps\.(\d+)')
_PROJECTION = 'aspp.project.0.weight'
_NUM_BRANCHES = 5


def to_our_name(official: str) -> str:
    """Our name of one of the authors' parameters: ``cls.0`` is the auxiliary classifier, ``cls.k``
    that of step k - 1.

    Raises:
        KeyError: If the official network has no such parameter.
    """
    return _rename(official, _OFFICIAL_MODULES, _OFFICIAL_STEP, 'decode_head.conv_seg.steps.{}', -1)


def to_official_name(ours: str) -> str:
    """The inverse of :func:`to_our_name`.

    Raises:
        KeyError: If the official network has no such parameter.
    """
    return _rename(ours, _OUR_MODULES, _OUR_STEP, 'cls.{}', 1)


def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The authors' state dict with our names and our order of the projection's channels.

    Every tensor but the projection's is shared with the result.

    Raises:
        ValueError: If a name is not the official network's, all of them listed, or the
            projection's input channels are not five branches of equal width.
    """
    converted = _convert(state, to_our_name)
    if _PROJECTION in state:
        # mmseg concatenates the image pooling first, the authors last.
        converted[to_our_name(_PROJECTION)] = _roll_branches(state[_PROJECTION], 1)
    return converted


def to_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of :func:`from_official`.

    Raises:
        ValueError: As there.
    """
    converted = _convert(state, to_official_name)
    if _PROJECTION in converted:
        converted[_PROJECTION] = _roll_branches(converted[_PROJECTION], -1)
    return converted


def _rename(
    name: str, modules: Mapping[str, str], step: re.Pattern, template: str, shift: int
) -> str:
    if _BACKBONE.fullmatch(name):
        return name
    match = _MODULE.fullmatch(name)
    if match is not None and match[1] in modules:
        return f'{modules[match[1]]}.{match[2]}'
    number = None if match is None else step.fullmatch(match[1])
    if match is None or number is None:
        raise KeyError(f'{name!r} is no parameter of the official network')
    return f'{template.format(int(number[1]) + shift)}.{match[2]}'


def _convert(state: Mapping[str, Tensor], rename: Callable[[str], str]) -> dict[str, Tensor]:
    converted, surplus = {}, []
    for name, tensor in state.items():
        try:
            converted[rename(name)] = tensor
        except KeyError:
            surplus.append(name)
    if surplus:
        raise ValueError(
            f'{len(surplus)} parameters are not of the official network: {", ".join(surplus[:20])}'
        )
    return converted


def _roll_branches(weight: Tensor, branches: int) -> Tensor:
    """Move the projection's input channels, ``[channels, 5 * width, 1, 1]``, by whole branches."""
    width, rest = divmod(weight.shape[1], _NUM_BRANCHES)
    if rest:
        raise ValueError(
            f'{_PROJECTION} has {weight.shape[1]} input channels, '
            f'expected a multiple of {_NUM_BRANCHES}'
        )
    return torch.roll(weight, shifts=branches * width, dims=1)
