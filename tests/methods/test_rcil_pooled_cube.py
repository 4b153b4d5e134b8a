"""Pooled cube distillation against loops over windows."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mmseg_dkd.methods.rcil.pooled_cube import (
    channel_distance,
    old_channels,
    pooled_cube_loss,
    spatial_distance,
)

KERNELS = (4, 8, 12)


def plain_spatial(old: Tensor, new: Tensor, kernels) -> Tensor:
    """Windows one by one, over the map and half a kernel of zeros around it."""
    total = 0
    for k in kernels:
        for image in range(len(new)):
            square = 0
            for c in range(new.shape[1]):
                for y in range(-(k // 2), new.shape[2] + k // 2 - k + 1):
                    for x in range(-(k // 2), new.shape[3] + k // 2 - k + 1):
                        rows, columns = slice(max(y, 0), y + k), slice(max(x, 0), x + k)
                        means = [(m[image, c, rows, columns] ** 2).sum() / k**2 for m in (new, old)]
                        square = square + (means[0] - means[1]) ** 2
            total = total + square**0.5 / len(new)
    return total / len(kernels)


def plain_channel(old: Tensor, new: Tensor) -> Tensor:
    """Three channels at a time, at every pixel."""
    total, channels = 0, new.shape[1]
    for image in range(len(new)):
        square = 0
        for c in range(channels):
            near = slice(max(c - 1, 0), c + 2)
            means = [(m[image, near] ** 2).sum(0) / 3 for m in (new, old)]
            square = square + ((means[0] - means[1]) ** 2).sum()
        total = total + square**0.5 / len(new)
    return total


def both(function, plain, *maps: Tensor) -> tuple:
    """Value and gradients of each."""
    results = []
    for each in (function, plain):
        leaves = [m.clone().requires_grad_() for m in maps]
        value = each(*leaves)
        results.append((value.detach(), *torch.autograd.grad(value, leaves)))
    return results


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 9), st.integers(1, 5))
def test_distances_are_those_of_the_windows(seed, channels, height, width):
    rng = torch.Generator().manual_seed(seed)
    old, new = torch.randn(2, 2, channels, height, width, generator=rng, dtype=torch.float64)
    found, expected = both(
        lambda m: spatial_distance(m.square() - old.square(), KERNELS),
        lambda m: plain_spatial(old, m, KERNELS),
        new,
    )
    torch.testing.assert_close(found, expected)
    found, expected = both(
        lambda m: channel_distance(m.square() - old.square()), lambda m: plain_channel(old, m), new
    )
    torch.testing.assert_close(found, expected)


def test_the_last_of_either_sum_has_the_last_weight():
    torch.manual_seed(0)
    shapes = [(2, 3, 6, 6), (2, 5, 3, 3), (2, 4, 3, 3)]
    old, new = ([torch.randn(s, dtype=torch.float64) for s in shapes] for _ in range(2))

    def plain(*maps: Tensor) -> Tensor:
        spatial = [plain_spatial(o, m, KERNELS) for o, m in zip(old, maps, strict=True)]
        channel = [plain_channel(o, m) for o, m in zip(old[:2], maps[:2], strict=True)]
        return (2 * spatial[0] + 2 * spatial[1] + 7 * spatial[2]) / 3 + (
            2 * channel[0] + 7 * channel[1]
        ) / 2

    found, expected = both(
        lambda *maps: pooled_cube_loss(maps, old, KERNELS, 2.0, 7.0), plain, *new[:2], old[2] + 1
    )
    torch.testing.assert_close(found, expected)


def test_equal_maps_cost_nothing_and_leave_no_trace():
    maps = [torch.randn(2, 3, 4, 4, requires_grad=True) for _ in range(3)]
    loss = pooled_cube_loss(maps, [m.detach() for m in maps], KERNELS, 1.0, 1.0)
    loss.backward()
    assert loss == 0 and not any(m.grad.any() for m in maps)


def test_half_precision_cannot_overflow():
    maps = [torch.full((1, 3, 4, 4), 1000.0).half() for _ in range(3)]
    loss = pooled_cube_loss(maps, [0.5 * m for m in maps], KERNELS, 1.0, 1.0)
    assert loss.dtype == torch.float32 and torch.isfinite(loss) and loss > 0


@pytest.mark.parametrize('new', [0, 1, 3])
def test_new_classes_count_as_background(new):
    logits = torch.randn(2, 3 + new, 2, 2)
    found = old_channels(logits, 3)
    assert torch.equal(found[:, 1:], logits[:, 1:3])
    torch.testing.assert_close(found[:, 0], logits[:, [0, *range(3, 3 + new)]].sum(1))
