"""Contrastive learning: features gather around their prototype, prototypes keep apart."""

import torch
from torch import Tensor

from .prototypes import class_sums, known_pixels, mean_where

CLOSEST = 1e-3


def attraction(feature: Tensor, label: Tensor, prototypes: Tensor, counts: Tensor) -> Tensor:
    """Distance of the features to the prototype of their class (Eq. 6).

    The distance is that of :func:`.prototypes.prototype_matching`.

    Args:
        feature: ``[N, D, h, w]``.
        label: Integer ``[N, h, w]``: 0 unknown, 1 to C classes, 255 void.
        prototypes: ``[C, D]``; no gradient reaches them.
        counts: ``[C]``, pixels that went into each; a class without any is left out.

    Returns:
        Scalar: the mean over the pixels of a class, then over the classes in the batch; 0 if there
        are none.
    """
    pixels, classes = known_pixels(feature, label, len(counts))
    distance = (pixels - prototypes.detach()[classes]).square().mean(1)
    sums = distance.new_zeros(len(counts)).index_add(0, classes, distance)
    found = torch.bincount(classes, minlength=len(counts))
    return mean_where(sums / found.clamp(min=1), (found > 0) & (counts > 0))


def repulsion(feature: Tensor, label: Tensor, num_classes: int) -> Tensor:
    """One over the distance between the prototypes of every two classes in the batch.

    The distance is the Euclidean one. Prototypes closer than 1e-3 are taken to be that far apart,
    which gives them no gradient: nothing says in which direction they should part.

    Args:
        feature: ``[N, D, h, w]``.
        label: Integer ``[N, h, w]``: 0 unknown, 1 to C classes, 255 void.
        num_classes: C.

    Returns:
        Scalar: the mean over the pairs; 0 if there are none.
    """
    sums, found = class_sums(feature, label, num_classes)
    means = sums[found > 0] / found[found > 0, None]
    one, other = torch.triu_indices(len(means), len(means), offset=1, device=means.device)
    # The square root of zero has no gradient.
    squared = (means[one] - means[other]).square().sum(1).clamp(min=CLOSEST**2)
    return squared.rsqrt().sum() / max(len(squared), 1)
