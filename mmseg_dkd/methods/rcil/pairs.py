"""Which convolutions of a network get a second branch, and how two branches become one."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from mmcv.cnn import ConvModule
from mmcv.cnn.bricks.wrappers import Conv2d
from mmseg.models.backbones.resnet import BasicBlock, Bottleneck
from mmseg.models.decode_heads.aspp_head import ASPPModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .parallel import ParallelConv, ParallelNorm


class Pair(NamedTuple):
    """Names of a convolution and of the BatchNorm it feeds, and the epsilon of the latter."""

    conv: str
    norm: str
    eps: float


def double(model: nn.Module, frozen: bool) -> list[Pair]:
    """Give a second branch to every 3x3 convolution with a BatchNorm, and to every branch of an
    ASPP.

    Convolution and norm are a pair where the network is known to use one right behind the other:
    in mmcv's ``ConvModule``, mmseg's ResNet blocks and an ``nn.Sequential``. What is no ordinary
    convolution, such as a deformable one, cannot be folded and is left as it is.

    Args:
        model: The network, changed in place.
        frozen: Whether the first branch is frozen.

    Raises:
        TypeError: If there is no such pair.
    """
    aspp = {id(m) for part in model.modules() if isinstance(part, ASPPModule) for m in part}
    found = []
    for prefix, owner in model.named_modules():
        for conv, norm in _neighbours(owner):
            parts = getattr(owner, conv, None), getattr(owner, norm, None)
            three = getattr(parts[0], 'kernel_size', None) == (3, 3)
            if _can_be_folded(*parts) and (three or id(owner) in aspp):
                found.append((prefix, owner, conv, norm))
    if not found:
        raise TypeError(
            'RCIL gives a second branch to 3x3 convolutions with a BatchNorm and to those of an '
            'ASPP, in a ConvModule, a ResNet block or a Sequential, but this network has none: '
            "take one that has, such as ResNet, or norm_cfg=dict(type='BN')"
        )
    pairs = []
    for prefix, owner, conv, norm in found:
        dot = prefix and f'{prefix}.'
        pairs.append(Pair(dot + conv, dot + norm, getattr(owner, norm).eps))
        setattr(owner, conv, ParallelConv(getattr(owner, conv), frozen))
        setattr(owner, norm, ParallelNorm(getattr(owner, norm), frozen))
    return pairs


def fold(state: dict[str, Tensor], pairs: Sequence[Pair]) -> dict[str, Tensor]:
    """The single convolution and BatchNorm that compute what the mean of both branches does.

    With t = gamma / sqrt(var + eps), a branch in eval mode is a convolution by ``t * weight`` plus
    ``beta + t * (bias - mean)``; both are linear, so the mean of the branches is the mean of these.
    It is written as a pair of the same kind as before: the convolution has the weight, and the norm
    adds nothing but the bias.

    Args:
        state: State dict of a network after :func:`double`.
        pairs: What that returned.

    Returns:
        The tensors of the pairs by the names that the plain network gives them.
    """
    folded: dict[str, Tensor] = {}
    for conv, norm, eps in pairs:
        weights, biases = [], []
        for branch in ('frozen', 'trained'):
            kernel = state[f'{conv}.{branch}.weight'].double()
            own = state.get(f'{conv}.{branch}.bias', torch.zeros(()))
            gamma, beta, mean, var = (
                state[f'{norm}.{branch}.{name}'].double()
                for name in ('weight', 'bias', 'running_mean', 'running_var')
            )
            scale = gamma / (var + eps).sqrt()
            weights.append(scale[:, None, None, None] * kernel)
            biases.append(beta + scale * (own - mean))
        weight, bias = sum(weights) / 2, sum(biases) / 2
        folded |= {
            f'{conv}.weight': weight,
            f'{norm}.weight': torch.full_like(bias, 1 + eps).sqrt(),
            f'{norm}.bias': bias,
            f'{norm}.running_mean': torch.zeros_like(bias),
            f'{norm}.running_var': torch.ones_like(bias),
            f'{norm}.num_batches_tracked': state[f'{norm}.trained.num_batches_tracked'],
        }
        if f'{conv}.trained.bias' in state:
            folded[f'{conv}.bias'] = torch.zeros_like(bias)
    return {key: value.to(state[_of_branch(key, 'trained')]) for key, value in folded.items()}


def refreeze(state: dict[str, Tensor], pairs: Sequence[Pair]) -> dict[str, Tensor]:
    """Fold both branches into the frozen one; the trained one goes on from where it is."""
    return state | {_of_branch(key, 'frozen'): v for key, v in fold(state, pairs).items()}


def plain(state: dict[str, Tensor], pairs: Sequence[Pair]) -> dict[str, Tensor]:
    """The state dict of the network as it was before :func:`double`, for the same prediction."""
    doubled = tuple(f'{name}.' for pair in pairs for name in (pair.conv, pair.norm))
    kept = {key: value for key, value in state.items() if not key.startswith(doubled)}
    return kept | fold(state, pairs)


def _of_branch(key: str, branch: str) -> str:
    module, _, name = key.rpartition('.')
    return f'{module}.{branch}.{name}'


def _neighbours(owner: nn.Module) -> Iterator[tuple[str, str]]:
    """Names of modules that an owner calls one right behind the other."""
    if isinstance(owner, ConvModule):
        behind = owner.order.index('norm') - owner.order.index('conv')
        if owner.with_norm and behind == 1 and not owner.with_spectral_norm:
            yield 'conv', owner.norm_name
    elif isinstance(owner, BasicBlock | Bottleneck):
        for i in (1, 2, 3):
            if hasattr(owner, f'norm{i}_name'):
                yield f'conv{i}', getattr(owner, f'norm{i}_name')
    elif type(owner).forward is nn.Sequential.forward:
        yield from pairwise(name for name, _ in owner.named_children())


def _can_be_folded(conv: nn.Module | None, norm: nn.Module | None) -> bool:
    # Subclasses of Conv2d, such as those with standardised weights, compute something else.
    ordinary = type(conv) in (nn.Conv2d, Conv2d)
    return ordinary and isinstance(norm, _BatchNorm) and norm.affine and norm.track_running_stats
