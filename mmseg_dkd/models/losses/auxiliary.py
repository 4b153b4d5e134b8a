"""Eq. 10: the auxiliary classifier learns negatives ahead of time."""

from mmseg.registry import MODELS
from torch import Tensor, nn

from .chunked_bce import chunked_bce


def auxiliary_loss(aux_logits: Tensor, size: tuple[int, int] | None = None) -> Tensor:
    """Every pixel is a negative (Eq. 10): mean of ``-log(1 - sigmoid(z'))``.

    Args:
        aux_logits: ``[N, 1, h, w]``, computed from a detached feature.
        size: ``(H, W)`` at which the loss is taken, after bilinear resizing; its own if omitted.

    Returns:
        Scalar: mean over images and pixels.
    """
    size = aux_logits.shape[2:] if size is None else size
    return chunked_bce(aux_logits, size, target=lambda image, part: None)


@MODELS.register_module()
class AuxiliaryLoss(nn.Module):
    """Module of :func:`auxiliary_loss`, times ``loss_weight``."""

    def __init__(self, loss_weight: float = 1.0, loss_name: str = 'loss_ac') -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, aux_logits: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """See :func:`auxiliary_loss`."""
        return self.loss_weight * auxiliary_loss(aux_logits, size)
