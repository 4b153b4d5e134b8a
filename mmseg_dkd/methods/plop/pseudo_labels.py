"""Labels of old classes by the old model, where it is more certain than it usually is."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from mmengine.dataset import DefaultSampler
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from ...labels import VOID
from ...models.precision import float32_at_least
from ...models.softmax_head import pixels_in_mean


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


def pseudo_cross_entropy(
    logits: Tensor, label: Tensor, pseudo: Tensor, avg_non_ignore: bool = True
) -> Tensor:
    """L_pseudo = - nu / (W H) sum_pixels log q(y), the cross entropy with pseudo labels.

    y is the label or, where that is unknown, the pseudo label. nu is the share of an image's
    unknown pixels that have one: where old classes have few, new ones shall not get ahead. An image
    without unknown pixels, of which the paper says nothing, has nu = 0, as in the program.

    Args:
        logits: ``[N, 1 + C, H, W]``, background first.
        label: Integer ``[N, H, W]``: 0 unknown, 1 to C classes, 255 void.
        pseudo: Integer ``[N, H, W]``, from :func:`pseudo_labels`.
        avg_non_ignore: Whether the pixels that are void in ``label`` are left out of the mean.

    Returns:
        Scalar: the sum over the pixels with a label of either kind, divided by the number of
        pixels of the batch; 0 if there are none.
    """
    unknown = label == 0
    certain = unknown & (pseudo != VOID)
    target = pseudo.where(unknown, label)
    loss = functional.cross_entropy(
        float32_at_least(logits), target, ignore_index=VOID, reduction='none'
    )
    nu = certain.sum((1, 2)).to(loss) / unknown.sum((1, 2)).clamp(min=1)
    return (nu[:, None, None] * loss).sum() / pixels_in_mean(label, avg_non_ignore)


def count_entropies(logits: Tensor, where: Tensor, bins: int, unit: float = 1.0) -> Tensor:
    """Histograms of the entropy by the class that the old model predicts.

    Args:
        logits: ``[N, K, H, W]``.
        where: bool ``[N, H, W]``: the pixels to count.
        bins: Number of bins, of equal width, over [0, ``unit``].
        unit: Of :func:`normalised_entropy`.

    Returns:
        int64 ``[K, bins]``: numbers of pixels.
    """
    channels = logits.shape[1]
    # Rounding takes it a little out of [0, 1].
    found = (normalised_entropy(logits)[where] / unit * bins).long().clamp(0, bins - 1)
    index = logits.argmax(1)[where] * bins + found
    return index.bincount(minlength=channels * bins).view(channels, bins)


def median_entropies(counts: Tensor) -> Tensor:
    """The middle of the bin with the (lower) median, for each class; of the first if it is empty.

    Args:
        counts: int64 ``[K, bins]``, from :func:`count_entropies`.

    Returns:
        float32 ``[K]``, in the unit of the histograms.
    """
    half = (counts.sum(1, keepdim=True) + 1) // 2
    return ((counts.cumsum(1) < half).sum(1) + 0.5) / counts.shape[1]


def medians_of_program(counts: Tensor) -> Tensor:
    """What the released program takes for the medians.

    It looks for the first bin in which half of a class's pixels are reached, and interpolates in
    it. What it adds up on its way are the bins' numbers instead of their pixels, so a class is done
    with the first bin if that has half of its pixels.

    Args:
        counts: int64 ``[K, bins]``, from :func:`count_entropies`.

    Returns:
        float32 ``[K]``, in the unit of the histograms: 0 for a class without pixels, 1 for one of
        which no bin reaches half.
    """
    total, bins = counts.sum(1), counts.shape[1]
    number = torch.arange(bins, device=counts.device)
    passed, half = number.cumsum(0) - number, total[:, None] / 2
    reached = (passed <= half) & (half <= passed + counts)
    within = (half - passed) / counts.clamp(min=1)
    first = reached.int().argmax(1, keepdim=True)
    found = (number + within).gather(1, first).squeeze(1) / bins
    return found.where(reached.any(1), 1.0).where(total > 0, 0.0)


class Rule(NamedTuple):
    """How thresholds are found: the number of bins, and what is made of the histograms."""

    bins: int
    medians: Callable[[Tensor], Tensor]


# A median of 10,000 bins over [0, 1] is exact to half a bin, 5e-5.
RULES = dict(median=Rule(10_000, median_entropies), program=Rule(100, medians_of_program))


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
