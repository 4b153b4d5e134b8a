"""Where the labels that nobody gave come from: RECALL's inpainting and helper decoders."""

import torch
from torch import Tensor

from ...labels import UNKNOWN, VOID


def inpaint(label: Tensor, predicted: Tensor) -> Tensor:
    """Background inpainting: unknown pixels take the old model's label, background included.

    Args:
        label: Integer ``[N, H, W]``: 0 unknown, 1 to C classes, 255 void.
        predicted: Integer ``[N, H, W]``: what the old model says.

    Returns:
        ``[N, H, W]``. A retrieved image is unknown all over, so it becomes what its helper decoder
        says; void stays void.
    """
    return torch.where(label == UNKNOWN, predicted, label)


def helper_prediction(logits: Tensor, first: int) -> Tensor:
    """What a helper decoder says, in the labels of the scenario.

    Args:
        logits: ``[N, 1 + K, H, W]``: background, then the K classes of one step.
        first: Label of the first of them.

    Returns:
        Integer ``[N, H, W]``: 0 or one of ``first``, ..., ``first + K - 1``.
    """
    found = logits.argmax(1)
    return torch.where(found > 0, found + first - 1, found)


def helper_label(label: Tensor, new_labels: range, retrieved: Tensor) -> Tensor:
    """What the helper decoder of a step learns from the labels of the step.

    Args:
        label: Integer ``[N, H, W]``: 0 unknown, 1 to C classes, 255 void.
        new_labels: Labels of the step's classes.
        retrieved: Boolean ``[N]``: images without labels, from which it learns nothing.

    Returns:
        ``[N, H, W]``: 1 to K the step's classes, 0 everything else, void too, as in the released
        program; 255 in images without labels.
    """
    is_new = (label >= new_labels.start) & (label < new_labels.stop)
    own = torch.where(is_new, label - new_labels.start + 1, torch.zeros_like(label))
    own[retrieved] = VOID
    return own
