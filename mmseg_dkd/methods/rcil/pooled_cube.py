"""Pooled cube distillation: maps may change, means over windows of them should not."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ...models.precision import float32_at_least


def spatial_distance(change: Tensor, kernels: Sequence[int]) -> Tensor:
    """L2 norm of the change, averaged over square windows, in the mean over the sizes of these.

    The stride is 1. Half a kernel of zeros on every side counts in the means; so a window may be
    larger than the map.

    Args:
        change: ``[N, C, h, w]``, difference of two squared maps.
        kernels: Heights, and widths, of the windows.

    Returns:
        Scalar: of each image the norm over all that is left, then the mean over the images.
    """
    pooled = (_window_means(change, k) for k in kernels)
    return sum(torch.linalg.vector_norm(p.flatten(1), dim=1).mean() for p in pooled) / len(kernels)


def _window_means(maps: Tensor, k: int) -> Tensor:
    # Columns, then rows: 2 k terms an element instead of k * k.
    columns = functional.avg_pool2d(maps, (k, 1), stride=1, padding=(k // 2, 0))
    return functional.avg_pool2d(columns, (1, k), stride=1, padding=(0, k // 2))


def channel_distance(change: Tensor) -> Tensor:
    """L2 norm of the change, averaged over three neighbouring channels, zeros at either end.

    Args:
        change: ``[N, C, h, w]``, difference of two squared maps.

    Returns:
        Scalar: of each image the norm over all that is left, then the mean over the images.
    """
    pooled = functional.avg_pool2d(change.transpose(1, 2), (3, 1), stride=1, padding=(1, 0))
    return torch.linalg.vector_norm(pooled.flatten(1), dim=1).mean()


def pooled_cube_loss(
    maps: Sequence[Tensor],
    old_maps: Sequence[Tensor],
    kernels: Sequence[int],
    weight: float,
    last_weight: float,
) -> Tensor:
    """Spatial distances of all maps, and channel distances of all but the last.

    Maps are squared. Pooling is linear, so it is the difference of the squares that is pooled.
    Channels of the last maps are classes, whose order says nothing.

    Args:
        maps: ``[N, C, h, w]`` each, from the input to the output; the last are logits with the
            channels of the old ones.
        old_maps: The same of the old model.
        kernels: Of :func:`spatial_distance`.
        weight: Of the distances of a sum.
        last_weight: In its stead, of the last distance of a sum: that of the logits among the
            spatial ones, that of the feature among the channels' (the authors' program).

    Returns:
        Scalar: the weighted mean of the spatial distances plus that of the channels'.
    """
    changes = [
        float32_at_least(new).square() - float32_at_least(old).square()
        for new, old in zip(maps, old_maps, strict=True)
    ]
    spatial = [spatial_distance(change, kernels) for change in changes]
    channels = [channel_distance(change) for change in changes[:-1]]
    return sum(
        (weight * sum(distances[:-1]) + last_weight * distances[-1]) / len(distances)
        for distances in (spatial, channels)
    )


def old_channels(logits: Tensor, channels: int) -> Tensor:
    """Logits ``[N, 1 + C, h, w]`` with those of the new classes added to the background's.

    Args:
        logits: Background first, then the old classes.
        channels: ``1 + C_old``.

    Returns:
        ``[N, 1 + C_old, h, w]``, in float32 at least.
    """
    logits = float32_at_least(logits)
    background = logits[:, :1] + logits[:, channels:].sum(1, keepdim=True)
    return torch.cat([background, logits[:, 1:channels]], 1)
