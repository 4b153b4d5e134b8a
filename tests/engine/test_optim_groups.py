"""Parameter groups against mmengine's own, which makes one of every parameter."""

import copy

import pytest
import torch
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import Tensor, nn

import mmseg_dkd  # noqa: F401

LR, DECAY = 0.1, 0.01
SGD = dict(type='SGD', lr=LR, momentum=0.9, weight_decay=DECAY)
# 'head.cls' is part of names that 'head' is part of as well; the longer one decides. Of
# 'body.0' and 'weight', equally long, mmengine takes the one that comes first in the alphabet.
KEYS = {
    'weight': dict(decay_mult=3.0),
    'head': dict(lr_mult=10.0),
    'head.cls': dict(lr_mult=5.0, decay_mult=0.0),
    'body.0': dict(lr_mult=0.5, decay_mult=0.5),
}


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 4))
        self.head = nn.ModuleDict(dict(mid=nn.Linear(4, 4), cls=nn.Linear(4, 2)))
        self.body[1].requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.head['cls'](self.head['mid'](self.body(x)).relu())


@pytest.fixture
def net() -> Net:
    # As the runner does: the constructor is registered in mmseg.
    init_default_scope('mmseg')
    torch.manual_seed(0)
    return Net()


def build(
    model: nn.Module, keys: dict | None = KEYS, grouped: bool = True, optimizer: dict = SGD
) -> OptimWrapper:
    kind = 'GroupedOptimWrapperConstructor' if grouped else 'DefaultOptimWrapperConstructor'
    cfg = dict(type='OptimWrapper', constructor=kind, optimizer=dict(optimizer))
    if keys is not None:
        cfg['paramwise_cfg'] = dict(custom_keys=keys)
    return build_optim_wrapper(model, cfg)


def settings(model: nn.Module, wrapper: OptimWrapper) -> dict[str, tuple[float, float]]:
    """Learning rate and decay of each parameter in the optimizer, by name."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = [
        (names[id(parameter)], (group['lr'], group['weight_decay']))
        for group in wrapper.optimizer.param_groups
        for parameter in group['params']
    ]
    assert len(found) == len(dict(found)), 'a parameter is in two groups'
    return dict(found)


def test_longest_key_decides_and_the_rest_is_plain(net):
    assert settings(net, build(net, {k: KEYS[k] for k in ('head', 'head.cls')})) == {
        'body.0.weight': (LR, DECAY),
        'body.0.bias': (LR, DECAY),
        'body.2.weight': (LR, DECAY),
        'body.2.bias': (LR, DECAY),
        'head.mid.weight': (LR * 10, DECAY),
        'head.mid.bias': (LR * 10, DECAY),
        'head.cls.weight': (LR * 5, 0.0),
        'head.cls.bias': (LR * 5, 0.0),
    }


@pytest.mark.parametrize('keys', [KEYS, dict(reversed(KEYS.items())), {}])
def test_settings_are_those_of_mmengine(net, keys):
    own, theirs = (settings(net, build(net, keys, grouped)) for grouped in (True, False))
    assert own == {name: pytest.approx(value, rel=1e-12) for name, value in theirs.items()}


def test_equal_settings_share_a_group(net):
    wrapper = build(net, {'head.mid': dict(lr_mult=2.0), 'body.0': dict(lr_mult=2.0)})
    sizes = [len(group['params']) for group in wrapper.optimizer.param_groups]
    assert sorted(sizes) == [4, 4], 'two settings make two groups'
    assert len(build(net, grouped=False).optimizer.param_groups) == 8, 'what mmengine makes'


@pytest.mark.parametrize('keys', [KEYS, {}, None], ids=['keys', 'no_keys', 'no_paramwise_cfg'])
def test_frozen_parameters_are_in_no_group(net, keys):
    names = settings(net, build(net, keys))
    assert set(names) == {name for name, p in net.named_parameters() if p.requires_grad}
    assert not any(name.startswith('body.1') for name in names)


@pytest.mark.parametrize(
    'optimizer',
    [
        SGD,
        SGD | dict(nesterov=True),
        SGD | dict(weight_decay=0.0),
        dict(type='AdamW', lr=LR, weight_decay=DECAY),
    ],
    ids=['momentum', 'nesterov', 'no_decay', 'adamw'],
)
def test_steps_equal_those_of_mmengine(net, optimizer):
    twin = copy.deepcopy(net)
    wrappers = [build(net, optimizer=optimizer), build(twin, KEYS, False, optimizer)]
    before = copy.deepcopy(net.state_dict())
    for step in range(3):
        batch = torch.randn(6, 3, generator=torch.Generator().manual_seed(step))
        for model, wrapper in zip((net, twin), wrappers, strict=True):
            wrapper.update_params(model(batch).square().mean())
    for name, parameter in net.named_parameters():
        if name.endswith('weight'):  # A bias in front of a BatchNorm has no gradient.
            assert torch.equal(parameter, before[name]) != parameter.requires_grad, name
        torch.testing.assert_close(parameter, twin.get_parameter(name), rtol=1e-6, atol=1e-8)


def test_decay_that_is_not_set_is_the_optimizers_own(net):
    keys = {'head': dict(lr_mult=10.0)}
    wrapper = build(net, keys, optimizer=dict(type='AdamW', lr=LR))
    default = torch.optim.AdamW([torch.zeros(1)]).defaults['weight_decay']
    assert default > 0
    assert set(settings(net, wrapper).values()) == {(LR, default), (LR * 10, default)}


@pytest.mark.parametrize(
    'paramwise_cfg, named',
    [
        (dict(norm_decay_mult=0.0), r"\['norm_decay_mult'\]"),
        (dict(custom_keys={'head': dict(lr_mul=10.0)}), r"\['lr_mul'\]"),
        (dict(bypass_duplicate=True, custom_keys={'head': dict(lr=1.0)}), "'bypass_.*', 'lr'"),
    ],
)
def test_settings_that_would_be_ignored_are_refused(net, paramwise_cfg, named):
    cfg = dict(
        constructor='GroupedOptimWrapperConstructor',
        optimizer=SGD,
        paramwise_cfg=paramwise_cfg,
    )
    with pytest.raises(ValueError, match=f'{named}.*custom_keys with lr_mult and decay_mult'):
        build_optim_wrapper(net, cfg)
