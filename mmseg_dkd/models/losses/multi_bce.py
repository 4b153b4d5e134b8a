"""Eq. 3: multiple binary cross-entropy over the classes of the step."""

from collections.abc import Callable, Sequence

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...labels import VOID
from .chunked_bce import chunked_bce


def multi_bce_loss(
    logits: Tensor,
    label: Tensor,
    class_ids: Sequence[int],
    pos_weight: float = 1.0,
    void: str = 'negative',
) -> Tensor:
    """Binary cross-entropy of each new class against the rest (Eq. 3).

    Args:
        logits: ``[N, C, h, w]`` of the seen classes in the order of learning; the last
            ``len(class_ids)`` channels belong to ``class_ids``. Resized to the label's size if it
            differs.
        label: Integer ``[N, H, W]``: class ids, at most 254, 0 unknown, 255 void.
        class_ids: The classes of the step.
        pos_weight: gamma, on the positive part only.
        void: ``'negative'``: void pixels are negatives of every class, as in the authors' program.
            ``'ignored'``: they are left out, and the mean is taken over the other pixels.

    Returns:
        Scalar: mean over images and pixels, then sum over the classes.

    Raises:
        ValueError: If there are fewer channels than class ids, an id is no label of a class, or
            ``void`` is neither of the two.
    """
    if logits.shape[1] < len(class_ids):
        raise ValueError(
            f'multi_bce_loss got {logits.shape[1]} logit channels for {len(class_ids)} class ids'
        )
    if void not in ('negative', 'ignored'):
        raise ValueError(f"void must be 'negative' or 'ignored', got {void!r}")
    ids = list(class_ids)
    if not all(0 < class_id < VOID for class_id in ids):
        raise ValueError(f'class ids must be between 1 and {VOID - 1}, got {ids}')
    # One byte a pixel is compared fastest, and most classes are in no pixel of an image.
    narrow = label.to(torch.uint8)
    shown = torch.stack([image.flatten().bincount(minlength=256) for image in narrow]) > 0
    shown = shown[:, ids].tolist()

    def target(image: int, part: slice) -> Tensor | None:
        if not any(shown[image][part]):
            return None
        return torch.stack([narrow[image] == class_id for class_id in ids[part]])

    return chunked_bce(
        logits[:, -len(ids) :],
        label.shape[-2:],
        target=target,
        pos_weight=pos_weight,
        known=label != VOID if void == 'ignored' else None,
    )


def partly_labelled(
    loss: Callable[[Tensor, Tensor, Sequence[int]], Tensor],
    logits: Tensor,
    label: Tensor,
    class_ids: Sequence[int],
    looked_for: Sequence[tuple[int, ...]],
) -> Tensor:
    """:func:`multi_bce_loss` in which each image counts for the classes that somebody looked for.

    Args:
        loss: Takes logits, label and class ids, as :func:`multi_bce_loss`.
        logits: ``[N, C, h, w]``, as for it.
        label: ``[N, H, W]``.
        class_ids: The classes of the step.
        looked_for: Of each image, some of ``class_ids``.

    Returns:
        Scalar: mean over all images of the batch and pixels, then sum over the classes. A class
        has no gradient in an image where nobody looked for it.
    """
    if all(len(ids) == len(class_ids) for ids in looked_for):
        return loss(logits, label, class_ids)
    new = logits[:, -len(class_ids) :]
    # Of nothing: the sum of all logits can overflow half precision.
    total = new[:0].sum()
    for ids in sorted({ids for ids in looked_for if ids}):
        rows = [row for row, labelled in enumerate(looked_for) if labelled == ids]
        channels = [list(class_ids).index(class_id) for class_id in ids]
        part = loss(new[rows][:, channels], label[rows], ids)
        total = total + part * len(rows) / len(looked_for)
    return total


@MODELS.register_module()
class MultiBCELoss(nn.Module):
    """Module of :func:`multi_bce_loss`, times ``loss_weight``.

    Raises:
        ValueError: If ``pos_weight`` is no positive number.
    """

    def __init__(
        self,
        pos_weight: float = 1.0,
        void: str = 'negative',
        loss_weight: float = 1.0,
        loss_name: str = 'loss_mbce',
    ) -> None:
        super().__init__()
        if not isinstance(pos_weight, int | float) or pos_weight <= 0:
            raise ValueError(
                f'pos_weight={pos_weight!r} of MultiBCELoss: give one positive number, gamma of '
                'Eq. 3, for all classes of the step'
            )
        self.pos_weight = pos_weight
        self.void = void
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, logits: Tensor, label: Tensor, class_ids: Sequence[int]) -> Tensor:
        """See :func:`multi_bce_loss`."""
        return self.loss_weight * multi_bce_loss(
            logits, label, class_ids, self.pos_weight, self.void
        )
