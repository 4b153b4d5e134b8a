"""The losses as the equations read, at full resolution all at once: what ours are compared with."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mmseg_dkd.methods.dkd.head import DKDHead


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


def make_plain(head: DKDHead) -> None:
    """Let all four losses of a head of DKD be computed by the functions above."""
    mbce, kd, dkd, aux = head.loss_decode, head.loss_kd, head.loss_dkd, head.loss_aux

    def multi_bce(logits: Tensor, label: Tensor, ids: range) -> Tensor:
        return mbce.loss_weight * multi_bce_loss(
            logits[:, -len(ids) :], label, ids, mbce.pos_weight
        )

    def binary_kd(logits: Tensor, old: Tensor, size: tuple[int, int]) -> Tensor:
        return kd.loss_weight * binary_kd_loss(logits[:, : old.shape[1]], old, size)

    def decomposed_kd(pos: Tensor, neg: Tensor, old_pos: Tensor, old_neg: Tensor) -> Tensor:
        size = pos.shape[2:]
        both = binary_kd_loss(pos, old_pos, size) + binary_kd_loss(neg, old_neg, size)
        return dkd.loss_weight * both

    def auxiliary(logits: Tensor, size: tuple[int, int]) -> Tensor:
        return aux.loss_weight * auxiliary_loss(logits, size)

    mbce.forward, kd.forward = multi_bce, binary_kd
    dkd.forward, aux.forward = decomposed_kd, auxiliary
