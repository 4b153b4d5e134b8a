"""Eq. 5: knowledge distillation of every old class on its own."""

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from .chunked_bce import bilinear, chunked_bce, resize


def binary_kd_loss(
    logits: Tensor, teacher_logits: Tensor, size: tuple[int, int] | None = None
) -> Tensor:
    """Binary cross-entropy against the sigmoid of the old model (Eq. 5).

    Args:
        logits: ``[N, C, h, w]`` of the seen classes in the order of learning: the old ones come
            first.
        teacher_logits: ``[N, C_old, h, w]`` of the old model; no gradient reaches it.
        size: ``(H, W)`` at which both are compared, after bilinear resizing; their own if omitted.

    Returns:
        Scalar: mean over images and pixels, then sum over the classes.

    Raises:
        ValueError: If the teacher has more classes than the student, or maps of another shape.
    """
    logits = logits[:, : teacher_logits.shape[1]]
    if logits.shape != teacher_logits.shape:
        raise ValueError(
            f'the logits of the old classes are {tuple(logits.shape)}, those of the teacher '
            f'{tuple(teacher_logits.shape)}'
        )
    size = logits.shape[2:] if size is None else size
    teacher = teacher_logits.detach().to(torch.promote_types(logits.dtype, torch.float32))
    rows = bilinear(teacher.shape[2], size[0], teacher)
    columns = bilinear(teacher.shape[3], size[1], teacher)
    return chunked_bce(
        logits,
        size,
        target=lambda image, part: resize(teacher[image, part], rows, columns).sigmoid(),
    )


@MODELS.register_module()
class BinaryKDLoss(nn.Module):
    """Module of :func:`binary_kd_loss`, times ``loss_weight`` (alpha of Eq. 1)."""

    def __init__(self, loss_weight: float = 5.0, loss_name: str = 'loss_kd') -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self, logits: Tensor, teacher_logits: Tensor, size: tuple[int, int] | None = None
    ) -> Tensor:
        """See :func:`binary_kd_loss`."""
        return self.loss_weight * binary_kd_loss(logits, teacher_logits, size)
