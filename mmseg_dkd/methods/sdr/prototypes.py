"""Prototypes: the mean feature of each class, and what holds the old ones where they are."""

import torch
from mmengine.dist import all_reduce
from torch import Tensor, nn

from ...models.precision import float32_at_least


def known_pixels(feature: Tensor, label: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """The pixels of the classes 1 to C; unknown (0), void (255) and further classes are left out.

    Args:
        feature: ``[N, D, h, w]``.
        label: Integer ``[N, h, w]``.
        num_classes: C, at most 254.

    Returns:
        Their features ``[P, D]``, in float32 at least, and their classes ``[P]``, counted from 0.
    """
    known = (label > 0) & (label <= num_classes)
    return float32_at_least(feature.movedim(1, -1)[known]), label[known] - 1


def class_sums(feature: Tensor, label: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """Sum of the features of each class ``[C, D]``, and its number of pixels ``[C]``.

    Args:
        feature, label, num_classes: See :func:`known_pixels`.
    """
    pixels, classes = known_pixels(feature, label, num_classes)
    sums = pixels.new_zeros(num_classes, pixels.shape[1]).index_add(0, classes, pixels)
    return sums, torch.bincount(classes, minlength=num_classes)


def mean_where(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of the values ``[C]`` where the mask says so; 0 if it never does."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def prototype_matching(
    feature: Tensor, label: Tensor, prototypes: Tensor, counts: Tensor
) -> Tensor:
    """Distance of the old classes' prototypes of this batch to those of all batches before.

    The distance is the squared one, a mean over the D channels: the paper writes a Frobenius norm,
    its authors compute the squared error, for which their weights were chosen.

    Args:
        feature, label: See :func:`known_pixels`.
        prototypes: ``[C_old, D]``; no gradient reaches them.
        counts: ``[C_old]``, pixels that went into each; a class without any is left out.

    Returns:
        Scalar: the mean over the old classes in the batch; 0 if there are none.
    """
    sums, found = class_sums(feature, label, len(counts))
    means = sums / found.clamp(min=1)[:, None]
    distance = (means - prototypes.detach()).square().mean(1)
    return mean_where(distance, (found > 0) & (counts > 0))


class Prototypes(nn.Module):
    """Running mean of the features of every class, over all its labelled pixels so far.

    Args:
        num_classes: C, those of this step and before.
        channels: D.
    """

    def __init__(self, num_classes: int, channels: int) -> None:
        super().__init__()
        self.register_buffer('mean', torch.zeros(num_classes, channels))
        self.register_buffer('count', torch.zeros(num_classes, dtype=torch.long))

    @torch.no_grad()
    def update(self, feature: Tensor, label: Tensor) -> None:
        """Take in a batch, those of all processes together.

        Args:
            feature, label: ``[N, D, h, w]`` and ``[N, h, w]``, as in :func:`known_pixels`.
        """
        sums, counts = class_sums(feature, label, len(self.count))
        all_reduce(sums)
        all_reduce(counts)
        self.count += counts
        self.mean += (sums - counts[:, None] * self.mean) / self.count.clamp(min=1)[:, None]
