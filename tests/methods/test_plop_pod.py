"""Local POD against loops over tiles, and the maps that it compares."""

import math
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_dkd.methods.plop.pod import (
    before_activation,
    keep_before_activation,
    local_pod,
    with_new_as_background,
)

RESNET = dict(stem_channels=4, base_channels=4, norm_cfg=dict(type='BN'))
RESNETS = dict(
    basic=dict(RESNET, type='ResNetV1c', depth=18),
    bottleneck=dict(RESNET, type='ResNet', depth=50),
    checkpointed=dict(RESNET, type='ResNet', depth=50, with_cp=True),
    resnest=dict(RESNET, type='ResNeSt', depth=50),
)


def cuts(length: int, s: int) -> list[tuple[int, int]]:
    """Where each of s tiles starts and ends: the first ones take what is left over."""
    lengths = [length // s + (i < length % s) for i in range(s)]
    return [(sum(lengths[:i]), sum(lengths[: i + 1])) for i in range(s)]


def plain_embedding(x: Tensor) -> Tensor:
    """Psi of one map ``[C, h, w]``, tile by tile."""
    parts = []
    for s in (1, 2, 4):
        for top, bottom in cuts(x.shape[1], s):
            for left, right in cuts(x.shape[2], s):
                for channel in x[:, top:bottom, left:right] ** 2:
                    parts += [sum(row) / len(row) for row in channel]
                    parts += [sum(column) / len(column) for column in channel.T]
    return torch.stack(parts)


def plain_local_pod(maps: Tensor, teacher_maps: Tensor) -> Tensor:
    """The distance, an image at a time."""
    total = 0
    for new, old in zip(maps, teacher_maps, strict=True):
        change = plain_embedding(new) - plain_embedding(old)
        total = total + torch.sqrt((change * change).sum())
    return total / len(maps)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 9), st.integers(4, 9))
def test_local_pod_is_that_of_the_paper(seed, height, width):
    rng = torch.Generator().manual_seed(seed)
    old, new = torch.randn(2, 2, 3, height, width, generator=rng, dtype=torch.float64)
    new.requires_grad_()
    values = [each(new, old) for each in (local_pod, plain_local_pod)]
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*(torch.autograd.grad(value, new)[0] for value in values))


def test_equal_maps_cost_nothing_and_pull_nowhere():
    maps = torch.randn(2, 3, 4, 4, requires_grad=True)
    loss = local_pod(maps, maps)
    loss.backward()
    assert loss == 0 and torch.equal(maps.grad, torch.zeros_like(maps))


def test_half_precision_does_not_overflow_and_the_teacher_gets_no_gradient():
    maps = torch.full((1, 1, 4, 4), 1000.0, dtype=torch.float16, requires_grad=True)
    teacher = torch.zeros_like(maps, requires_grad=True)
    loss = local_pod(maps, teacher)
    loss.backward()
    # 8 rows and columns of each of 1, 2 x 2 and 4 x 4 tiles, at the same mean.
    assert loss.item() == pytest.approx(1e6 * math.sqrt(8 * (1 + 2 + 4)))
    assert loss.dtype == torch.float32 and teacher.grad is None


def test_a_map_smaller_than_the_tiles_is_refused():
    with pytest.raises(ValueError, match=r'\(3, 8\) cannot be cut into 4 x 4'):
        local_pod(torch.ones(1, 1, 3, 8), torch.ones(1, 1, 3, 8))


@pytest.mark.parametrize('num_new', [0, 1, 3])
def test_new_channels_are_added_to_the_background(num_new):
    logits = torch.randn(2, 3 + num_new, 2, 2)
    merged = with_new_as_background(logits, 3)
    expected = logits[:, :3].clone()
    for c in range(3, 3 + num_new):
        expected[:, 0] += logits[:, c]
    torch.testing.assert_close(merged, expected)


@pytest.fixture(params=RESNETS)
def pair(request) -> tuple[nn.Module, nn.Module]:
    """A ResNet as mmseg makes it, and the same that keeps its maps, in training mode."""
    init_default_scope('mmseg')
    torch.manual_seed(0)
    stock, kept = (MODELS.build(RESNETS[request.param]) for _ in range(2))
    kept.load_state_dict(stock.state_dict())
    keep_before_activation(kept)
    for backbone in (stock, kept):
        backbone.train()
    return stock, kept


def last_sums(stock: nn.Module, image: Tensor) -> list[Tensor]:
    """Last norm plus identity of every stage, from the inputs and weights of its last block."""
    found = []
    for name in stock.res_layers:
        block = getattr(stock, name)[-1]
        last = [m for n, m in block.named_children() if n.startswith(('bn', 'norm'))][-1]
        block.register_forward_pre_hook(lambda _, x: found.append([x[0].clone()]))
        last.register_forward_hook(lambda _, x, out: found[-1].append(out.clone()))
    stock(image)
    return [sum(parts[:2]) for parts in found]


def test_maps_of_a_resnet_are_known_before_their_last_activation(pair):
    stock, kept = pair
    image = torch.randn(2, 3, 64, 64)
    maps = kept(image)
    for after, plain in zip(maps, stock(image), strict=True):
        assert torch.equal(after, plain)
    before = before_activation(maps)
    expected = last_sums(stock, image)
    assert len(before) == len(expected) == 4
    for each, after, by_hand in zip(before, maps, expected, strict=True):
        assert (each < 0).any()
        assert torch.equal(each.relu(), after)
        torch.testing.assert_close(each, by_hand)


def test_they_live_as_long_as_the_maps_and_learn(pair):
    kept = pair[1]
    maps = kept(torch.randn(2, 3, 64, 64, requires_grad=True))
    before = before_activation(maps)
    alive = [weakref.ref(each) for each in before]
    sum(each.square().mean() for each in before).backward()
    gradients = [p.grad for p in kept.layer4.parameters()]
    assert all(grad is not None and grad.isfinite().all() for grad in gradients)
    del before, maps
    assert not any(each() is not None for each in alive)


def test_maps_without_a_last_activation_are_taken_as_they_are():
    init_default_scope('mmseg')
    backbone = MODELS.build(dict(type='MobileNetV2', widen_factor=0.25, out_indices=(1, 2, 4, 6)))
    keep_before_activation(backbone)
    maps = backbone(torch.randn(2, 3, 32, 32))
    assert all(one is other for one, other in zip(maps, before_activation(maps), strict=True))
