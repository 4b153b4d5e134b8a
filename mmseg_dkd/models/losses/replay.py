"""DKD-M with labels: Eq. 3 for the old classes that replayed images are labelled with."""

from collections.abc import Sequence

from mmseg.registry import MODELS
from torch import Tensor, nn

from .multi_bce import multi_bce_loss


def replay_loss(
    logits: Tensor,
    label: Tensor,
    labelled: Sequence[tuple[Sequence[int], Sequence[int]]],
    pos_weight: float = 1.0,
) -> Tensor:
    """Binary cross-entropy of old classes, on the images in which they are labelled.

    Args:
        logits: ``[N, C, h, w]`` of the seen classes: channel c - 1 belongs to label c. Resized to
            the label's size if it differs.
        label: Integer ``[N, H, W]``: 0 unknown or background, 255 void, else labels.
        labelled: Pairs of ascending, adjacent labels and of the rows of the batch in which pixels
            of just these are labelled as such.
        pos_weight: gamma, on the positive part only.

    Returns:
        Scalar: mean over the images of the whole batch and pixels, then sum over the classes; 0
        if no image has labels of old classes.
    """
    # Of nothing: the sum of all logits can overflow half precision.
    loss = logits[:0].sum()
    for labels, rows in labelled:
        channels = slice(labels[0] - 1, labels[-1])
        part = multi_bce_loss(logits[rows, channels], label[rows], labels, pos_weight)
        loss = loss + part * len(rows) / len(logits)
    return loss


@MODELS.register_module()
class ReplayLoss(nn.Module):
    """Module of :func:`replay_loss`, times ``loss_weight``."""

    def __init__(
        self,
        pos_weight: float = 1.0,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_replay',
    ) -> None:
        super().__init__()
        self.pos_weight = pos_weight
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(
        self,
        logits: Tensor,
        label: Tensor,
        labelled: Sequence[tuple[Sequence[int], Sequence[int]]],
    ) -> Tensor:
        """See :func:`replay_loss`."""
        return self.loss_weight * replay_loss(logits, label, labelled, self.pos_weight)
