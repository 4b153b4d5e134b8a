"""Two branches: where they are, what they compute, and that folding changes no answer."""

import copy
from collections import OrderedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmcv.cnn import ConvModule
from mmengine.model import revert_sync_batchnorm
from mmseg.models.backbones import MobileNetV2, ResNet, ResNeXt
from mmseg.models.decode_heads.aspp_head import ASPPModule
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg_dkd.methods.rcil.pairs import Pair, double, fold, plain, refreeze
from mmseg_dkd.methods.rcil.parallel import Parallel, ParallelNorm
from tests.oracle import case

CLOSE = dict(rtol=1e-5, atol=1e-5)


@torch.no_grad()
def shake(network: nn.Module) -> nn.Module:
    """Weights and statistics at random, not so large that a deep network explodes."""
    for m in network.modules():
        if isinstance(m, _BatchNorm):
            nn.init.normal_(m.weight, 0, 0.5)  # half of them negative
            nn.init.normal_(m.bias, 0, 0.3)
            nn.init.normal_(m.running_mean, 0, 0.3)
            nn.init.uniform_(m.running_var, 0.5, 1.5)
        elif isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight)
            if m.bias is not None:
                nn.init.normal_(m.bias)
    return network


def conv_module(in_channels: int, kernel: int = 3, **kwargs) -> ConvModule:
    return ConvModule(in_channels, 8, kernel, **dict(dict(norm_cfg=dict(type='BN')), **kwargs))


NETWORKS = {
    'resnet': lambda: ResNet(
        50,
        base_channels=4,
        stem_channels=4,
        deep_stem=True,
        dilations=(1, 1, 2, 4),
        strides=(1, 2, 1, 1),
    ),
    'basic': lambda: ResNet(18, base_channels=4, stem_channels=4),
    'resnext': lambda: ResNeXt(depth=50, groups=4, base_width=4, base_channels=8, stem_channels=8),
    'mobilenet': lambda: MobileNetV2(
        widen_factor=0.25, strides=(1, 2, 2, 2, 1, 1, 1), dilations=(1, 1, 1, 1, 1, 2, 2)
    ),
    'modules': lambda: nn.Sequential(
        conv_module(3, bias=True, stride=2),
        conv_module(8, padding=3, dilation=3, groups=4),
        conv_module(8, padding=1, padding_mode='reflect'),
        ConvModule(8, 8, 3, norm_cfg=None),
        ConvModule(8, 8, 3, norm_cfg=dict(type='BN', eps=0.1), act_cfg=None),
    ),
    'sequential': lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()),
}
PAIRS = dict(resnet=3 + 16, basic=16, resnext=16, mobilenet=18, modules=4, sequential=1)


def output(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    network.eval()  # of which mmseg's backbones return nothing
    with torch.no_grad():
        maps = network(x)
    return maps if isinstance(maps, torch.Tensor) else maps[-1]


def test_folded_branches_are_those_of_the_program():
    known, state = case('rcil', 'fold'), {}
    for branch, place in dict(frozen=1, trained=2).items():
        state[f'conv.{branch}.weight'] = known[f'branch{place}_weight']
        for name, of in dict(
            weight='gamma', bias='beta', running_mean='mean', running_var='var'
        ).items():
            state[f'norm.{branch}.{name}'] = known[f'branch{place}_{of}']
        state[f'norm.{branch}.num_batches_tracked'] = torch.tensor(1)
    eps = known['eps'].item()
    folded = fold(state, [Pair('conv', 'norm', eps)])
    torch.testing.assert_close(folded['conv.weight'], known['expected_kernel'])
    torch.testing.assert_close(folded['norm.bias'], known['expected_bias'])
    network = nn.Sequential(
        OrderedDict(conv=nn.Conv2d(4, 4, 3, padding=1, bias=False), norm=nn.BatchNorm2d(4, eps=eps))
    ).double()
    network.load_state_dict(folded, strict=True)
    torch.testing.assert_close(output(network, known['input']), known['expected_output'])


@pytest.mark.parametrize('kind', NETWORKS)
def test_folding_changes_no_answer(kind):
    torch.manual_seed(0)
    network, x = shake(NETWORKS[kind]()), torch.randn(2, 3, 33, 33)
    doubled = copy.deepcopy(network)
    pairs = double(doubled, frozen=False)
    assert len(pairs) == len(set(pairs)) == PAIRS[kind]
    torch.testing.assert_close(output(doubled, x), output(network, x), **CLOSE)
    expected = output(shake(doubled), x)
    assert not torch.allclose(output(network, x), expected, rtol=0.1)
    state = doubled.state_dict()
    network.load_state_dict(plain(state, pairs), strict=True)
    torch.testing.assert_close(output(network, x), expected, **CLOSE)
    grown = refreeze(state, pairs)
    assert grown.keys() == state.keys()
    moved = {k for k in state if not torch.equal(state[k], grown[k])}
    assert moved and all('.frozen.' in k for k in moved)
    # What the frozen branches compute alone.
    alone = {k: grown[k.replace('.trained.', '.frozen.')] for k in grown}
    doubled.load_state_dict(alone, strict=True)
    torch.testing.assert_close(output(doubled, x), expected, **CLOSE)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from((1, 2)),
    st.sampled_from((1, 2, 5)),
    st.sampled_from((1, 2, 4)),
    st.booleans(),
    st.sampled_from((1e-5, 1e-2, 1.0)),
)
def test_a_branch_of_the_next_step_is_the_module_of_this_one(seed, stride, rate, groups, bias, eps):
    torch.manual_seed(seed)
    module = ConvModule(
        4,
        8,
        3,
        stride=stride,
        dilation=rate,
        groups=groups,
        bias=bias,
        norm_cfg=dict(type='BN', eps=eps),
    )
    pairs, x = double(module, frozen=True), torch.randn(2, 4, 13, 12)
    expected = output(shake(module), x)
    module.load_state_dict(refreeze(module.state_dict(), pairs))
    found = module.activate(module.bn.frozen(module.conv.frozen(x)))
    torch.testing.assert_close(found, expected, **CLOSE)


def test_branches_of_an_aspp_but_no_other_1x1():
    network = nn.Sequential(
        ASPPModule((1, 6), 4, 8, None, dict(type='BN'), dict(type='ReLU')),
        conv_module(8, 1),
        conv_module(8),
    )
    assert [pair.conv for pair in double(network, frozen=False)] == [
        '0.0.conv',
        '0.1.conv',
        '2.conv',
    ]


class Standardised(nn.Conv2d):
    """Computes something else than its weight says."""


@pytest.mark.parametrize(
    'network',
    [
        nn.Sequential(Standardised(3, 4, 3), nn.BatchNorm2d(4)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)),
        nn.ModuleList([nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)]),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, affine=False)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4)),
        conv_module(4, order=('norm', 'conv', 'act')),
        conv_module(4, order=('conv', 'act', 'norm')),
        conv_module(4, with_spectral_norm=True),
        conv_module(4, 1),
    ],
    ids='subclass relu unordered statistics affine groupnorm preact act spectral 1x1'.split(),
)
def test_what_cannot_be_folded_is_left_alone_and_nothing_at_all_refused(network):
    before = [type(m) for m in network.modules()]
    with pytest.raises(TypeError, match='this network has none: take one that has, such as ResNet'):
        double(network, frozen=False)
    assert [type(m) for m in network.modules()] == before


def test_weights_of_a_channel_are_drawn_anew_for_all_images_and_pixels():
    torch.manual_seed(0)
    norm = ParallelNorm(nn.BatchNorm2d(3000, affine=False), frozen=False).train()
    norm.frozen = norm.trained = nn.Identity()  # of which the weights can be read off
    ones, zeros = torch.ones(2, 3000, 2, 2), torch.zeros(2, 3000, 2, 2)
    weights = [norm((ones, zeros)), norm((ones, zeros))]
    for weight in weights:
        assert torch.equal(weight, weight[:1, :, :1, :1].expand_as(weight))
        shares = [float((weight == w).float().mean()) for w in (0, 0.5, 1)]
        assert sum(shares) == pytest.approx(1)
        assert shares == pytest.approx([1 / 3] * 3, abs=0.04)
    assert not torch.equal(*weights)
    assert torch.equal(norm.eval()((3 * ones, ones)), 2 * ones)


def test_frozen_is_frozen_and_all_else_learns():
    torch.manual_seed(0)
    module = conv_module(4)
    double(module, frozen=True)
    before = copy.deepcopy(module.state_dict())
    for _ in range(2):
        module.train()  # as loops do again and again
        module(torch.randn(4, 4, 6, 6)).square().mean().backward()
    for name, parameter in module.named_parameters():
        assert parameter.requires_grad is ('trained' in name), name
        assert (parameter.grad is not None) is parameter.requires_grad, name
    after = module.state_dict()
    changed = {k for k in before if not torch.equal(before[k], after[k])}
    assert changed == {
        f'bn.trained.{k}' for k in ('running_mean', 'running_var', 'num_batches_tracked')
    }


def test_at_step_0_both_learn():
    module = conv_module(4)
    double(module, frozen=False)
    module.train()(torch.randn(4, 4, 6, 6)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    assert module.bn.frozen.num_batches_tracked == module.bn.trained.num_batches_tracked == 1


def test_a_synchronised_norm_stays_one():
    module = conv_module(4, norm_cfg=dict(type='SyncBN'))
    kind = type(module.bn)
    double(module, frozen=True)
    assert type(module.bn.frozen) is type(module.bn.trained) is kind
    assert issubclass(kind, nn.SyncBatchNorm)
    module = revert_sync_batchnorm(module)
    assert module.train()(torch.randn(2, 4, 5, 5)).shape == (2, 8, 3, 3)
    assert not module.bn.frozen.training and not module.bn.frozen.weight.requires_grad


def test_plain_weights_start_both_branches():
    torch.manual_seed(0)
    network = shake(NETWORKS['basic']())
    doubled = NETWORKS['basic']()
    double(doubled, frozen=False)
    doubled.load_state_dict(network.state_dict(), strict=True)
    for part in doubled.modules():
        if isinstance(part, Parallel):
            states = part.frozen.state_dict(), part.trained.state_dict()
            assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])
    x = torch.randn(1, 3, 33, 33)
    torch.testing.assert_close(output(doubled, x), output(network, x), **CLOSE)
