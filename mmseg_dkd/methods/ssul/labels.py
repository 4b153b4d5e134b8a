"""What SSUL makes of labels: the unknown, and pseudo labels of old classes.

Targets number the channels from 1, as :class:`.MultiBCELoss` does:
1 unknown, 2 background, 2 + c class c, 255 void.
"""

import torch
from torch import Tensor
from torch.nn import functional

from ...labels import VOID

# Label of salient pixels that no class of the step has; classes are below it.
SALIENT = 254
UNKNOWN, BACKGROUND = 1, 2


def with_unknown(label: Tensor, unlabelled_is_unknown: bool) -> Tensor:
    """Targets ``[N, H, W]`` from labels.

    Args:
        label: Integer ``[N, H, W]``: 0 unlabelled, 1 to C classes, 254 salient, 255 void.
        unlabelled_is_unknown: Whether unlabelled pixels are unknown (the authors on ADE20K), or
            background unless they are salient (on VOC).
    """
    unlabelled = UNKNOWN if unlabelled_is_unknown else BACKGROUND
    target = torch.where(label == 0, unlabelled, label + BACKGROUND)
    target = torch.where(label == SALIENT, UNKNOWN, target)
    return torch.where(label == VOID, VOID, target)


def with_pseudo_labels(target: Tensor, logits: Tensor, threshold: float) -> Tensor:
    """Targets in which unknown and background give way to old classes the old model is sure of.

    A pixel gets the class of the highest of all the old model's channels, if it is a class and its
    sigmoid is at least the threshold.

    Args:
        target: ``[N, H, W]``, of :func:`with_unknown`.
        logits: Of the old model, ``[N, 2 + C_old, h, w]``; resized to the size of the targets.
        threshold: 0.7 in the authors' commands.
    """
    sure = []
    # All images of a batch of ADE20K at full size would take a gigabyte.
    for each in logits:
        size = target.shape[-2:]
        each = functional.interpolate(each[None], size, mode='bilinear', align_corners=False)[0]
        score, channel = each.max(0)
        known = (score.sigmoid() >= threshold) & (channel + 1 > BACKGROUND)
        sure.append(torch.where(known, channel + 1, 0))
    sure = torch.stack(sure)
    return torch.where((sure > 0) & (target <= BACKGROUND), sure, target)
