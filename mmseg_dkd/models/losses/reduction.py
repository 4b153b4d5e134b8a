"""What the losses of Eq. 3, 5, 8 and 10 share: the resolution and the reduction."""

import torch.nn.functional as F
from torch import Tensor


def upsample(logits: Tensor, size: tuple[int, int] | None) -> Tensor:
    """Bilinear resize (``align_corners=False``) of ``[N, C, h, w]`` to ``[N, C, *size]``.

    Logits that have the size already, and all for ``size=None``, are returned as they are.
    """
    if size is None or logits.shape[2:] == tuple(size):
        return logits
    return F.interpolate(logits, size=tuple(size), mode='bilinear', align_corners=False)


def mean_then_sum(loss: Tensor) -> Tensor:
    """Mean over images and pixels, then SUM over the classes: ``[N, C, H, W]`` to a scalar."""
    return loss.mean(dim=(0, 2, 3)).sum()
