"""Gradients in half precision against those of float64, from inputs rounded alike."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

HALF = (torch.float16, torch.bfloat16)
# The last is the first scale of torch's GradScaler.
SCALES = (1.0, 1024.0, 65536.0)


def drawn(*shape: int, seed: int, spread: float = 1.0) -> Tensor:
    """Normal values, in float64."""
    generator = torch.Generator().manual_seed(seed)
    return spread * torch.randn(*shape, dtype=torch.float64, generator=generator)


def check_gradient(found: Tensor | None, expected: Tensor | None, scale: float) -> None:
    """Compare a gradient in half precision with the one in float64, times the scale.

    The error, by its norm, is that of rounding the right gradient once, less than 0.25 % where half
    precision can hold it, and 0.05 % more at most. At a scale of 65536 it can hold all of them. At
    a scale of 1 it cannot hold some of float16's, which are near its smallest number, 6e-8.
    """
    assert (found is None) == (expected is None), 'only one of them depends on it'
    if found is None:
        return
    exact = expected * scale
    size = exact.norm()
    assert size > 0 and exact.abs().max() < torch.finfo(found.dtype).max
    assert torch.isfinite(found).all()
    rounding = (exact.to(found.dtype).double() - exact).norm()
    assert scale < SCALES[-1] or rounding < 0.0025 * size
    error = (found.double() - exact).norm()
    assert error <= rounding + 0.0005 * size, (
        f'{error / size:.3%}, of rounding {rounding / size:.3%}'
    )


def check_terms(
    terms: dict[str, Tensor], leaves: Sequence[Tensor], exact: dict[str, Tensor], wide: Sequence
) -> None:
    """Compare every term's gradient by all that it depends on, at every scale.

    Args:
        terms, leaves: Losses, and what they depend on, in half precision.
        exact, wide: The same in float64.
    """
    assert terms.keys() == exact.keys()
    for name, term in exact.items():
        expected = gradients(term, wide)
        assert any(gradient is not None for gradient in expected), name
        torch.testing.assert_close(terms[name].double(), term, rtol=1e-3, atol=0, msg=name)
        for scale in SCALES:
            found = gradients(terms[name] * scale, leaves)
            for one, other in zip(found, expected, strict=True):
                check_gradient(one, other, scale)


def gradients(loss: Tensor, leaves: Sequence[Tensor]) -> tuple[Tensor | None, ...]:
    """Of the loss, by each; None where it does not depend on it."""
    return torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True)


def compare(loss: Callable[..., Tensor], values: Sequence[Tensor], dtype: torch.dtype) -> None:
    """Compare the gradients of a loss of these values, float64, rounded to half precision."""
    leaves = [value.to(dtype).requires_grad_() for value in values]
    wide = [leaf.detach().double().requires_grad_() for leaf in leaves]
    check_terms(dict(loss=loss(*leaves)), leaves, dict(loss=loss(*wide)), wide)
