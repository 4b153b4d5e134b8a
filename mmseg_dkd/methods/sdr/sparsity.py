"""Sparsity of the features, for room to learn new classes in."""

from torch import Tensor

from ...labels import VOID
from ...models.precision import float32_at_least

SMALLEST = 1e-6


def sparsity_loss(feature: Tensor, label: Tensor, num_classes: int) -> Tensor:
    """Sum of the exponentials of a pixel's features over their sum.

    Features are divided by the largest one of all pixels of their class first. The paper's are
    those behind a ReLU; of others the magnitude counts. The sum is taken to be at least 1, the
    share of a single largest feature: below, the gradient would have no bound.

    Args:
        feature: ``[N, D, h, w]``.
        label: Integer ``[N, h, w]``: 0 unknown, which counts as a class, 1 to C classes, 255 void.
        num_classes: C.

    Returns:
        Scalar: the mean over the pixels that are not void; 0 if there are none.
    """
    known = label != VOID
    pixels, classes = float32_at_least(feature.movedim(1, -1)[known]).abs(), label[known]
    largest = pixels.new_zeros(1 + num_classes)
    largest = largest.scatter_reduce(0, classes, pixels.amax(1), 'amax')
    pixels = pixels / largest[classes, None].clamp(min=SMALLEST)
    ratio = pixels.exp().sum(1) / pixels.sum(1).clamp(min=1)
    return ratio.sum() / known.sum().clamp(min=1)
