"""The learning rate of the authors' recipes beside mmengine's schedulers."""

import copy

import pytest
import torch
from mmengine.optim import LinearLR, PolyLR

from mmseg_dkd.engine import WarmUpPolyLR


def optimizer() -> torch.optim.Optimizer:
    groups = [dict(params=[torch.nn.Parameter(torch.zeros(1))], lr=lr) for lr in (1.0, 10.0)]
    return torch.optim.SGD(groups, lr=1.0)


def rates(of: torch.optim.Optimizer, schedulers: list, iterations: int) -> list[list[float]]:
    seen = []
    for _ in range(iterations):
        seen.append([group['lr'] for group in of.param_groups])
        of.step()
        for scheduler in schedulers:
            scheduler.step()
    return seen


def test_it_is_the_product_of_mmengines_with_ends_one_iteration_later():
    ours, theirs = optimizer(), optimizer()
    one = [WarmUpPolyLR(ours, power=0.9, warm_up=0.25, start_factor=0.1, end=20, by_epoch=False)]
    two = [
        LinearLR(theirs, start_factor=0.1, begin=0, end=6, by_epoch=False),
        PolyLR(theirs, power=0.9, begin=0, end=21, by_epoch=False),
    ]
    assert rates(ours, one, 20) == [
        pytest.approx(pair, rel=1e-12) for pair in rates(theirs, two, 20)
    ]


def test_eta_min_is_what_poly_goes_down_to():
    ours, theirs = optimizer(), optimizer()
    one = [WarmUpPolyLR(ours, power=2, eta_min=0.5, end=8, by_epoch=False)]
    two = [PolyLR(theirs, power=2, eta_min=0.5, end=9, by_epoch=False)]
    assert rates(ours, one, 8) == [pytest.approx(pair) for pair in rates(theirs, two, 8)]


def test_epochs_become_iterations():
    ours, theirs = optimizer(), optimizer()
    one = [WarmUpPolyLR.build_iter_from_epoch(ours, warm_up=0.5, end=2, epoch_length=3)]
    two = [WarmUpPolyLR(theirs, warm_up=0.5, end=6, by_epoch=False)]
    assert rates(ours, one, 6) == rates(theirs, two, 6)


def test_it_goes_on_where_it_was():
    whole = optimizer()
    expected = rates(whole, [WarmUpPolyLR(whole, warm_up=0.5, end=8, by_epoch=False)], 8)
    first = optimizer()
    scheduler = WarmUpPolyLR(first, warm_up=0.5, end=8, by_epoch=False)
    rates(first, [scheduler], 3)
    states = copy.deepcopy((first.state_dict(), scheduler.state_dict()))
    second = optimizer()
    # As mmengine's runner does: it is built, then it is loaded.
    scheduler = WarmUpPolyLR(second, warm_up=0.5, end=8, by_epoch=False)
    second.load_state_dict(states[0])
    scheduler.load_state_dict(states[1])
    assert rates(second, [scheduler], 5) == expected[3:]


@pytest.mark.parametrize(
    'wrong', [dict(warm_up=20), dict(warm_up=-0.1), dict(start_factor=0), dict(start_factor=2.0)]
)
def test_what_is_no_part_or_factor_is_refused(wrong):
    ((key, value),) = wrong.items()
    with pytest.raises(ValueError, match=f'{key}={value}'):
        WarmUpPolyLR(optimizer(), end=20, **wrong)
