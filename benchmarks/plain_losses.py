"""The losses as the equations read, at full resolution all at once: what ours are compared with."""

import torch
import torch.nn.functional as F
from torch import Tensor


def upsample(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resize of ``[N, C, h, w]``, ``align_corners=False``."""
    return F.interpolate(logits, size, mode='bilinear', align_corners=False)


def mean_then_sum(loss: Tensor) -> Tensor:
    """Mean over images and pixels, then sum over the classes."""
    return loss.mean(dim=(0, 2, 3)).sum()


def multi_bce_loss(
    logits: Tensor, label: Tensor, class_ids: list[int], pos_weight: float
) -> Tensor:
    """Eq. 3."""
    logits = upsample(logits, label.shape[-2:])
    target = (label[:, None] == torch.tensor(list(class_ids))[:, None, None].to(label)).to(
        logits.dtype
    )
    return mean_then_sum(
        F.binary_cross_entropy_with_logits(
            logits, target, pos_weight=logits.new_tensor(pos_weight), reduction='none'
        )
    )


def binary_kd_loss(logits: Tensor, teacher_logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Eq. 5."""
    target = upsample(teacher_logits, size).sigmoid()
    return mean_then_sum(
        F.binary_cross_entropy_with_logits(upsample(logits, size), target, reduction='none')
    )


def auxiliary_loss(aux_logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Eq. 10."""
    logits = upsample(aux_logits, size)
    return mean_then_sum(
        F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits), reduction='none')
    )
