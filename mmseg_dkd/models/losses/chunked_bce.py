"""Binary cross-entropy of upsampled logits, without the upsampled logits.

At ADE size (6 images, 150 classes, 512 x 512) one full-resolution float32 tensor of all classes
takes 944 MB, and the plain formulation of Eq. 3 or 5 holds five or more. But a sum over classes
falls apart into classes: here a few channels at a time are upsampled, compared with their target
and forgotten, and the gradient, which has the small size of the logits, is made on the way.

Bilinear resizing is linear and separable: ``up(x) = R x C^T`` with one matrix for the rows and one
for the columns, so its adjoint, which takes the gradient back, is ``R^T g C``.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..precision import float32_at_least

# Elements of a chunk: what a core's cache holds on a CPU, what fills a GPU.
CHUNK = {'cpu': 2**18, 'cuda': 2**24}
# Target of some channels of an image at full size, [k, H, W]: floating, bool, or None for all zero.
Target = Callable[[int, slice], Tensor | None]


def bilinear(small: int, large: int, like: Tensor) -> Tensor | None:
    """One axis of a bilinear resize, ``align_corners=False``: ``[large, small]``; None if equal."""
    if small == large:
        return None
    identity = torch.eye(small, dtype=like.dtype, device=like.device)[None, None]
    return F.interpolate(identity, (large, small), mode='bilinear', align_corners=False)[0, 0]


def resize(maps: Tensor, rows: Tensor | None, columns: Tensor | None) -> Tensor:
    """``R x C^T`` for ``[k, h, w]``."""
    if rows is not None:
        maps = rows @ maps
    return maps if columns is None else maps @ columns.T


def chunked_bce(
    logits: Tensor,
    size: tuple[int, int],
    target: Target,
    pos_weight: float = 1.0,
    known: Tensor | None = None,
) -> Tensor:
    """Mean over images and pixels, then sum over the classes, of the binary cross-entropy.

    Computed in float32, or in float64 for float64 logits, whatever autocast says.

    Args:
        logits: ``[N, C, h, w]``.
        size: ``(H, W)`` to which they are resized, bilinearly, ``align_corners=False``.
        target: Called with an image and a slice of channels; gives their targets in [0, 1].
        pos_weight: Weight of the positive part.
        known: bool ``[N, H, W]``; the other pixels are left out of sum and mean.

    Returns:
        Scalar, differentiable once by ``logits``.
    """
    return _ChunkedBCE.apply(logits, tuple(size), target, pos_weight, known)


class _ChunkedBCE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, size, target, pos_weight, known):
        with torch.autocast(logits.device.type, enabled=False):
            loss, grad = _loss_and_gradient(
                logits, size, target, pos_weight, known, ctx.needs_input_grad[0]
            )
        ctx.save_for_backward(grad)
        ctx.dtype = logits.dtype
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_loss):
        (grad,) = ctx.saved_tensors
        # grad_loss has the loss scale: half precision holds the product, the gradient alone not.
        scaled = torch.empty_like(grad, dtype=ctx.dtype)
        return torch.mul(grad, grad_loss, out=scaled), None, None, None, None


def _loss_and_gradient(
    logits: Tensor,
    size: tuple[int, int],
    target: Target,
    pos_weight: float,
    known: Tensor | None,
    needs_grad: bool,
) -> tuple[Tensor, Tensor | None]:
    images, classes = logits.shape[:2]
    exact = float32_at_least(logits)
    rows = bilinear(logits.shape[2], size[0], exact)
    columns = bilinear(logits.shape[3], size[1], exact)
    pixels = images * size[0] * size[1] if known is None else known.sum().clamp(min=1)
    grad = torch.empty_like(exact) if needs_grad else None
    loss = exact.new_zeros((), dtype=torch.float64)
    step = max(1, CHUNK.get(logits.device.type, CHUNK['cpu']) // (size[0] * size[1]))
    for n in range(images):
        for first in range(0, classes, step):
            part = slice(first, min(first + step, classes))
            z = resize(exact[n, part], rows, columns)
            y = target(n, part)
            value, slope = _bce(z, y, pos_weight)
            if known is not None:
                value, slope = value * known[n], slope * known[n]
            loss += value.sum()
            if grad is not None:
                back = [None if m is None else m.T for m in (rows, columns)]
                grad[n, part] = resize(slope, *back) / pixels
    return (loss / pixels).to(exact.dtype), grad


def _bce(z: Tensor, y: Tensor | None, pos_weight: float) -> tuple[Tensor, Tensor]:
    """Loss of every element and its derivative.

    ``gamma y softplus(-z) + (1 - y) softplus(z) = softplus(z) (1 + (gamma - 1) y) - gamma y z``
    """
    sigmoid = z.sigmoid()
    softplus = F.softplus(z)
    if y is None:
        return softplus, sigmoid
    y = y.to(z.dtype)
    if pos_weight == 1.0:
        return softplus.sub_(z * y), sigmoid.sub_(y)
    weight = 1 + (pos_weight - 1) * y
    return softplus.mul_(weight).sub_(pos_weight * y * z), sigmoid.mul_(weight).sub_(pos_weight * y)
