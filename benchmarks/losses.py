"""Eq. 3, 5 and 10 at ADE size, forward and backward: chunked against all at once."""

from collections.abc import Callable
from functools import partial

import torch

from mmseg_dkd.models import losses

from . import plain_losses
from .measure import Part

OLD, NEW = 100, 50
SIZE = (512, 512)
DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'


def part(quick: bool) -> Part:
    """N=2, C=150, 32 x 32 to 512 x 512; 6 images with a GPU."""
    images = 2 if DEVICE == 'cpu' else 6
    return Part(
        f'losses, N={images}, C={OLD + NEW}, 32 x 32 -> 512 x 512, float32, forward and backward',
        partial(_make, _ours, images),
        partial(_make, _plain, images),
        repeats=3 if quick else 7,
    )


def _ours(logits, teacher, aux, label, ids):
    return (
        losses.multi_bce_loss(logits, label, ids, 2.0)
        + 5 * losses.binary_kd_loss(logits, teacher, SIZE)
        + losses.auxiliary_loss(aux, SIZE)
    )


def _plain(logits, teacher, aux, label, ids):
    return (
        plain_losses.multi_bce_loss(logits[:, OLD:], label, ids, 2.0)
        + 5 * plain_losses.binary_kd_loss(logits[:, :OLD], teacher, SIZE)
        + plain_losses.auxiliary_loss(aux, SIZE)
    )


def _make(total: Callable, images: int) -> Callable[[], float]:
    generator = torch.Generator().manual_seed(0)

    def maps(channels: int) -> torch.Tensor:
        return (3 * torch.randn(images, channels, 32, 32, generator=generator)).to(DEVICE)

    logits, teacher, aux = maps(OLD + NEW).requires_grad_(), maps(OLD), maps(1).requires_grad_()
    # Four by four areas an image, of 50 classes and unknown: real images show fewer classes.
    areas = torch.randint(0, NEW + 1, (images, 4, 4), generator=generator)
    label = torch.where(areas > 0, areas + OLD, 0).repeat_interleave(128, 1)
    label = label.repeat_interleave(128, 2).to(DEVICE)
    ids = range(OLD + 1, OLD + NEW + 1)

    def run() -> float:
        logits.grad = aux.grad = None
        loss = total(logits, teacher, aux, label, ids)
        loss.backward()
        return loss.item()

    return run
