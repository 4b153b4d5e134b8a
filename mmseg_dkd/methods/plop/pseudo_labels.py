"""Labels of old classes by the old model, where it is more certain than it usually is."""

import math

from mmengine.dataset import DefaultSampler
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from ...labels import VOID
from ...models.precision import float32_at_least

# Entropies are counted in this many bins over [0, 1]: a median is exact to half a bin, 5e-5.
BINS = 10_000


def normalised_entropy(logits: Tensor) -> Tensor:
    """u = - sum_c q(c) log q(c) / log K, of the softmax q over the K channels.

    Args:
        logits: ``[N, K, H, W]``.

    Returns:
        ``[N, H, W]`` in [0, 1], in float32 at least.
    """
    log_q = float32_at_least(logits).log_softmax(1)
    return -(log_q.exp() * log_q).sum(1) / math.log(logits.shape[1])


def pseudo_labels(logits: Tensor, thresholds: Tensor) -> Tensor:
    """The label c = argmax q where the entropy is below the threshold of c, else void.

    Args:
        logits: ``[N, 1 + C_old, H, W]`` of the old model.
        thresholds: ``[1 + C_old]``, of :func:`normalised_entropy`.

    Returns:
        Integer ``[N, H, W]``: 0 background, 1 to C_old, 255 where the old model is uncertain.
    """
    label = logits.argmax(1)
    return label.where(normalised_entropy(logits) < thresholds[label], VOID)


def pseudo_cross_entropy(logits: Tensor, label: Tensor, pseudo: Tensor) -> Tensor:
    """L_pseudo = - nu / (W H) sum_pixels log q(y), the cross entropy with pseudo labels.

    y is the label or, where that is unknown, the pseudo label. nu is the share of an image's
    unknown pixels that have one: where old classes have few, new ones shall not get ahead.

    Args:
        logits: ``[N, 1 + C, H, W]``, background first.
        label: Integer ``[N, H, W]``: 0 unknown, 1 to C classes, 255 void.
        pseudo: Integer ``[N, H, W]``, from :func:`pseudo_labels`.

    Returns:
        Scalar: the sum over the pixels with a label of either kind, divided by the number of
        pixels of the batch that are not void in ``label``; 0 if there are none.
    """
    unknown = label == 0
    certain = unknown & (pseudo != VOID)
    target = pseudo.where(unknown, label)
    loss = functional.cross_entropy(
        float32_at_least(logits), target, ignore_index=VOID, reduction='none'
    )
    # An image without unknown pixels lacks none.
    lacking = (unknown & ~certain).sum((1, 2)).to(loss) / unknown.sum((1, 2)).clamp(min=1)
    return ((1 - lacking)[:, None, None] * loss).sum() / (label != VOID).sum().clamp(min=1)


def count_entropies(logits: Tensor, where: Tensor) -> Tensor:
    """Histograms of the entropy by the class that the old model predicts.

    Args:
        logits: ``[N, K, H, W]``.
        where: bool ``[N, H, W]``: the pixels to count.

    Returns:
        int64 ``[K, BINS]``: numbers of pixels.
    """
    channels = logits.shape[1]
    # Rounding takes it a little out of [0, 1].
    bins = (normalised_entropy(logits)[where] * BINS).long().clamp(0, BINS - 1)
    index = logits.argmax(1)[where] * BINS + bins
    return index.bincount(minlength=channels * BINS).view(channels, BINS)


def median_entropies(counts: Tensor) -> Tensor:
    """The middle of the bin with the (lower) median, for each class; of the first if it is empty.

    Args:
        counts: int64 ``[K, BINS]``, from :func:`count_entropies`.

    Returns:
        float32 ``[K]``.
    """
    half = (counts.sum(1, keepdim=True) + 1) // 2
    return ((counts.cumsum(1) < half).sum(1) + 0.5) / BINS


def once_through(loader: DataLoader) -> DataLoader:
    """Batches of every image of a loader's data set once, shared among the processes.

    Whatever its sampler, which may be without end.
    """
    return DataLoader(
        loader.dataset,
        batch_size=loader.batch_size or 1,
        sampler=DefaultSampler(loader.dataset, shuffle=False, seed=0, round_up=False),
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        worker_init_fn=loader.worker_init_fn,
    )
