"""Folding follows how a network uses its modules, and changes nothing that it computes."""

import copy
import itertools

import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from torch import nn
from torch.nn import functional

from mmseg_dkd.engine.hand_over import build_teacher
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.models.fold import fold_batch_norms
from tests.models.life import DKD
from tests.models.stock_heads import one


class Biasless(nn.Conv2d):
    """Says that it has a bias, and leaves it out."""

    def forward(self, x):
        return functional.conv2d(x, self.weight, None, self.stride, self.padding)


class Standardised(nn.Conv2d):
    """Computes with another weight than its own."""

    def forward(self, x):
        return self._conv_forward(x, self.weight - self.weight.mean(), self.bias)


class Louder(nn.BatchNorm2d):
    """Does more than normalise."""

    def forward(self, x):
        return 2 * super().forward(x)


class Module(nn.Module):
    """Modules by name, registered in another order than they are used in."""

    def __init__(self, forward, **modules):
        super().__init__()
        self.run = forward
        for name, module in reversed(modules.items()):
            self.add_module(name, module)

    def forward(self, x):
        return self.run(self, x)


def conv(kind=nn.Conv2d, **more):
    return kind(8, 8, 3, **dict(dict(padding=1), **more))


def norm(kind=nn.BatchNorm2d, **more):
    return kind(8, **more)


def straight(m, x):
    return m.norm(m.conv(x)).relu_()


def residual(m, x):
    y = m.conv(x)
    return y + m.norm(y)


def viewed(m, x):
    y = m.conv(x)
    return m.norm(y) + y.flatten(1).view_as(y)


VIEW = 'a view of it read'
# What is in front of the head, and how many of its BatchNorms can be folded.
CASES = {
    'with a bias': (straight, dict(conv=conv(), norm=norm()), 1),
    'without': (straight, dict(conv=conv(bias=False), norm=norm()), 1),
    'groups': (straight, dict(conv=conv(groups=8), norm=norm()), 1),
    'not affine': (straight, dict(conv=conv(), norm=norm(affine=False)), 1),
    'eps': (straight, dict(conv=conv(), norm=norm(eps=0.1)), 1),
    'no statistics': (straight, dict(conv=conv(), norm=norm(track_running_stats=False)), 0),
    'group norm': (straight, dict(conv=conv(), norm=nn.GroupNorm(2, 8)), 0),
    'transposed': (straight, dict(conv=conv(nn.ConvTranspose2d), norm=norm()), 0),
    'standardised': (straight, dict(conv=conv(Standardised), norm=norm()), 0),
    'louder': (straight, dict(conv=conv(), norm=norm(Louder)), 0),
    'norm first': (lambda m, x: m.conv(m.norm(x)), dict(conv=conv(), norm=norm()), 0),
    'activation between': (
        lambda m, x: m.norm(m.conv(x).relu_()),
        dict(conv=conv(), norm=norm()),
        0,
    ),
    'read twice': (residual, dict(conv=conv(), norm=norm()), 0),
    VIEW: (viewed, dict(conv=conv(), norm=norm()), 0),
    'conv run twice': (
        lambda m, x: m.norm(m.conv(m.conv(x))),
        dict(conv=conv(), norm=norm()),
        0,
    ),
    'norm run twice': (
        lambda m, x: m.norm(m.first(x)) + m.norm(m.second(x)),
        dict(first=conv(), second=conv(), norm=norm()),
        0,
    ),
    'crossed': (
        lambda m, x: m.a(m.first(x)) - 2 * m.b(m.second(x)),
        dict(first=conv(), b=norm(), second=conv(), a=norm()),
        2,
    ),
    'weight read by itself': (
        lambda m, x: m.norm(m.conv(x)) + m.conv.weight.mean(),
        dict(conv=conv(), norm=norm()),
        0,
    ),
}


def model_of(middle: nn.Module, **more) -> nn.Module:
    """A segmentor with ``middle`` in its head, with statistics as after a training."""
    cfg = dict(
        type='IncrementalSegmentor',
        backbone=dict(type='Pyramid'),
        decode_head=DKD | one('FCNHead', num_convs=1, norm_cfg=None, concat_input=False),
        **more,
    )
    torch.manual_seed(0)
    model = MODELS.build(ConfigDict(cfg))
    model.decode_head.convs.append(copy.deepcopy(middle))
    return disturbed(model).to(memory_format=model.memory_format)


def disturbed(model: nn.Module) -> nn.Module:
    """In eval mode, with statistics of BatchNorm as after a training."""
    for name, value in model.state_dict().items():
        if name.endswith('running_mean'):
            value.normal_()
        if name.endswith(('running_var', 'norm.weight', 'bn.weight')):
            value.uniform_(0.3, 3)
        if name.endswith(('norm.bias', 'bn.bias')):
            value.normal_()
    return model.eval()


def count(model: nn.Module) -> int:
    return sum(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in model.modules())


@torch.no_grad()
def answers(model: nn.Module) -> torch.Tensor:
    images = torch.randn(2, 3, 72, 56, generator=torch.Generator().manual_seed(5))
    return model.decode_head(model.extract_feat(images))


@pytest.mark.parametrize(
    'case, channels_last',
    # A view needs contiguous maps.
    [pair for pair in itertools.product(CASES, (False, True)) if pair != (VIEW, True)],
)
def test_only_what_one_convolution_feeds_is_folded(case, channels_last):
    run, modules, expected = CASES[case]
    model = model_of(Module(run, **modules), channels_last=channels_last)
    before, norms = answers(model), count(model)
    assert fold_batch_norms(model, (64, 64)) == expected
    assert norms - count(model) == expected
    torch.testing.assert_close(answers(model), before, rtol=1e-5, atol=1e-5)
    if channels_last:
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                assert module.weight.is_contiguous(memory_format=torch.channels_last)


def test_a_network_that_then_computes_something_else_stays_as_it_is(caplog):
    modules = dict(first=conv(), a=norm(), second=conv(Biasless), b=norm())
    model = model_of(Module(lambda m, x: m.b(m.second(m.a(m.first(x)))), **modules))
    before, state = answers(model), copy.deepcopy(model.state_dict())
    assert fold_batch_norms(model, (64, 64)) == 0
    assert torch.equal(answers(model), before)
    assert state.keys() == model.state_dict().keys()
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_no_random_number_of_the_training_is_drawn():
    model = model_of(Module(straight, conv=conv(), norm=norm()))
    before = torch.get_rng_state()
    assert fold_batch_norms(model, (64, 64)) == 1
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize('method', ['dkd', 'rcil', 'ssul', 'plop'])
def test_teacher_has_no_batch_norm_left_and_says_the_same(tiny, method):
    cfg = tiny(f'{method}/fashion_4-2.py')
    torch.manual_seed(0)
    own = step_config(cfg, 0).model
    own.backbone.norm_cfg = own.decode_head.norm_cfg = dict(type='BN')
    model = disturbed(MODELS.build(copy.deepcopy(own)))
    teacher = build_teacher(own, model.state_dict(), 0, torch.device('cpu'))
    assert count(model) > 20 and count(teacher) == 0
    expected = answers(model)
    change = (answers(teacher) - expected).abs().max() / expected.abs().max()
    assert change < 1e-4


def test_without_a_size_nothing_is_folded():
    cfg = ConfigDict(
        type='IncrementalSegmentor',
        backbone=dict(type='Pyramid'),
        decode_head=DKD | one('FCNHead'),
    )
    first = MODELS.build(ConfigDict(cfg, decode_head=dict(cfg.decode_head, step=0)))
    teacher = build_teacher(cfg, first.state_dict(), 0, torch.device('cpu'))
    assert count(teacher) == count(first) > 0
