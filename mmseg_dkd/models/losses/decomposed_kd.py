"""Eq. 6 and 7: distillation of the positive and the negative reasoning score."""

import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from .binary_kd import binary_kd_loss


def decompose_logits(feature: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of the positive and of the negative elements of the product f * w (Eq. 6).

    The sign is the product's, so it holds for features of any sign:
    ``z+ = relu(f).relu(w) + relu(-f).relu(-w)`` and ``z- = -relu(f).relu(-w) - relu(-f).relu(w)``.

    Args:
        feature: ``[N, D, h, w]`` in front of the classifier.
        weight: ``[C, D]`` or ``[C, D, 1, 1]``; the bias has no part in it.

    Returns:
        ``(pos, neg)``, each ``[N, C, h, w]``, ``pos >= 0 >= neg``; their sum is the logit without
        its bias.
    """
    weight = weight.reshape(*weight.shape[:2], 1, 1)
    f_pos, f_neg = feature.relu(), (-feature).relu()
    w_pos, w_neg = weight.relu(), (-weight).relu()
    pos = F.conv2d(f_pos, w_pos) + F.conv2d(f_neg, w_neg)
    neg = -F.conv2d(f_pos, w_neg) - F.conv2d(f_neg, w_pos)
    return pos, neg


def decomposed_kd_loss(
    pos: Tensor, neg: Tensor, teacher_pos: Tensor, teacher_neg: Tensor
) -> Tensor:
    """Eq. 7: ``L_dkd+`` (Eq. 8) plus ``L_dkd-``, at the resolution of the feature map.

    Args:
        pos, neg: ``[N, C, h, w]``, scores of the seen classes, the old ones first.
        teacher_pos, teacher_neg: ``[N, C_old, h, w]`` of the old model; no gradient reaches them.

    Returns:
        Scalar: mean over images and positions, then sum over the classes, of both terms.

    Raises:
        ValueError: See :func:`.binary_kd_loss`.
    """
    return binary_kd_loss(pos, teacher_pos) + binary_kd_loss(neg, teacher_neg)


@MODELS.register_module()
class DecomposedKDLoss(nn.Module):
    """Module of :func:`decomposed_kd_loss`, times ``loss_weight`` (beta of Eq. 1)."""

    def __init__(self, loss_weight: float = 5.0, loss_name: str = 'loss_dkd') -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, pos: Tensor, neg: Tensor, teacher_pos: Tensor, teacher_neg: Tensor) -> Tensor:
        """See :func:`decomposed_kd_loss`."""
        return self.loss_weight * decomposed_kd_loss(pos, neg, teacher_pos, teacher_neg)
