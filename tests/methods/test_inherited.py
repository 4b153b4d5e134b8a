"""What a method inherits: what decides step 0, what is recorded, a start from a softmax."""

import inspect

import pytest
import torch

from mmseg_dkd.models.incremental_head import IncrementalHead
from mmseg_dkd.models.method_registry import METHODS
from mmseg_dkd.models.sigmoid_head import SigmoidHead
from mmseg_dkd.models.softmax_head import SoftmaxHead

from .plain import head_of

NAMES = sorted(METHODS.module_dict)
# A head that needs an argument, and one whose choices are not its arguments.
NEEDED = {'DKDHead': dict(init='random')}
RENAMED = {'DKDHead': {'init', 'tau'}}


def own_arguments(method: type[IncrementalHead]) -> set[str]:
    parts = method.__mro__[: method.__mro__.index(IncrementalHead)]
    found = [inspect.signature(vars(p)['__init__']) for p in parts if '__init__' in vars(p)]
    return {name for signature in found for name in signature.parameters}


def later_only(method: type[IncrementalHead]) -> set[str]:
    return {name for part in method.__mro__ for name in getattr(part, 'LATER_ONLY', ())}


@pytest.mark.parametrize('name', NAMES)
def test_what_only_later_steps_have_is_an_argument_and_decides_no_step_0(name):
    method = METHODS.get(name)
    assert later_only(method) <= own_arguments(method), 'a misspelled name would do nothing'
    cfg = dict(type=name, channels=6)
    assert method.first_step(cfg | dict.fromkeys(later_only(method), 7)) == method.first_step(cfg)
    assert method.first_step(dict(cfg, channels=7)) != method.first_step(cfg)


@pytest.mark.parametrize('name', ['MiBHead', 'SDRHead', 'RCILHead'])
def test_weight_of_the_shared_distillation_is_later_only_wherever_it_is_inherited(name):
    assert 'kd_weight' not in METHODS.get(name).first_step(dict(type=name, kd_weight=3.0))


@pytest.mark.parametrize('name', NAMES)
def test_recorded_defaults_are_those_that_the_head_has(name):
    needed = NEEDED.get(name, {})
    head, chosen = head_of(name, 1, **needed), METHODS.get(name).choices(needed)
    assert not chosen.keys() & {'scenario', 'step', 'num_classes', 'loss_decode'}
    for key in RENAMED.get(name, chosen):
        assert getattr(head, key) == chosen[key], key


def test_own_default_is_recorded_and_what_is_given_comes_before_it():
    weights = {n: METHODS.get(n).choices({})['kd_weight'] for n in ('MiBHead', 'RCILHead')}
    assert weights == dict(MiBHead=10.0, RCILHead=100.0)
    assert METHODS.get('RCILHead').choices(dict(kd_weight=3.0))['kd_weight'] == 3.0


@pytest.mark.parametrize('name', NAMES)
def test_classifiers_of_a_softmax_are_taken_over_or_refused_with_the_method(name):
    head = head_of(name, 0, **NEEDED.get(name, {}))
    weight, bias = torch.randn(3, 6, 1, 1).double(), torch.randn(3).double()
    if not isinstance(head, SigmoidHead | SoftmaxHead):
        with pytest.raises(TypeError, match=f'start_from: {type(head).__name__} cannot take over'):
            head.from_softmax(weight, bias)
        return
    head.conv_seg.load_state_dict(head.from_softmax(weight, bias), strict=False)
    feature = torch.randn(2, 6, 4, 4).double()
    softmax = torch.nn.functional.conv2d(feature, weight, bias).softmax(1)
    torch.testing.assert_close(head.prediction_of(feature).softmax(1), softmax)
