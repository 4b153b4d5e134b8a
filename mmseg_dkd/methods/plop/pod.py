"""Local POD: statistics of a map, over the rows and columns of its tiles, that shall stay."""

import torch
from torch import Tensor, nn

from ...models.precision import float32_at_least

# The map is cut into s x s tiles for each of these s.
SCALES = (1, 2, 4)


def local_pod(maps: Tensor, teacher_maps: Tensor) -> Tensor:
    """Distance of two maps by their local POD embeddings.

    With x the squared map, Psi^s(x) is the means over width and over height of each of s x s
    tiles, concatenated, and Psi(x) = [Psi^1(x) | Psi^2(x) | Psi^4(x)]. The distance is
    ||Psi(x) - Psi(x_teacher)||_2. Tiles differ by a row or column where the size is no multiple
    of s.

    Args:
        maps: ``[N, C, h, w]``.
        teacher_maps: ``[N, C, h, w]``; no gradient reaches it.

    Returns:
        Scalar in float32 at least: the mean over the images.

    Raises:
        ValueError: If a side of the map is shorter than the largest s.
    """
    if min(maps.shape[-2:]) < max(SCALES):
        raise ValueError(
            f'a map of {tuple(maps.shape[-2:])} cannot be cut into {max(SCALES)} x {max(SCALES)} '
            'tiles (local POD): train on larger crops or with a smaller output stride'
        )
    # Psi is linear: once for the difference, not for each map.
    change = float32_at_least(maps) ** 2 - float32_at_least(teacher_maps.detach()) ** 2
    parts = []
    for s in SCALES:
        # The mean over width of every row of the s tiles below each other, and likewise.
        parts += [tiles.mean(3).flatten(1) for tiles in change.tensor_split(s, 3)]
        parts += [tiles.mean(2).flatten(1) for tiles in change.tensor_split(s, 2)]
    return torch.linalg.vector_norm(torch.cat(parts, 1), dim=1).mean()


def with_new_as_background(logits: Tensor, channels: int) -> Tensor:
    """Logits of the old model's channels, those of new classes added to the background's.

    Args:
        logits: ``[N, 1 + C, h, w]``, background first.
        channels: ``1 + C_old``.

    Returns:
        ``[N, 1 + C_old, h, w]``, in float32 at least.
    """
    logits = float32_at_least(logits)
    background = logits[:, :1] + logits[:, channels:].sum(1, keepdim=True)
    return torch.cat([background, logits[:, 1:channels]], 1)


def keep_before_activation(backbone: nn.Module) -> None:
    """Let the maps of a backbone's stages carry what they were before the last activation.

    Of mmseg's backbones this concerns ResNet and those made after it (ResNetV1c, ResNetV1d,
    ResNeXt, ResNeSt): each stage ends with the ``relu`` of its last block. Stages of others end
    without an activation (MobileNetV2, transformers), or their maps are taken as they are.
    """
    for stage in getattr(backbone, 'res_layers', ()):
        relu = getattr(backbone, stage)[-1].relu
        # In place, it would write over what is to be kept.
        relu.inplace = False
        relu.register_forward_hook(_keep)


def _keep(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
    # On the map itself, it lives as long as the map. A block calls its ReLU several times, and
    # again in backward with checkpointing: only one of the outputs is the map.
    output.before_activation = inputs[0]


def before_activation(maps: list[Tensor]) -> list[Tensor]:
    """Maps of a backbone before their last activation, where it is kept, or else the maps."""
    return [getattr(each, 'before_activation', each) for each in maps]
