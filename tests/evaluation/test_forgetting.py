"""Forgetting: by hand, against loops, and what must hold for any numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg_dkd.evaluation.forgetting import forgetting_of, mean_forgetting

IOU = st.one_of(st.none(), st.floats(0, 100))


@st.composite
def runs(draw, iou=IOU):
    """Per-class IoU of 1 to 5 steps that learn 1 to 3 classes each."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=5))
    seen = [range(sum(sizes[: t + 1])) for t in range(len(sizes))]
    return [{f'class {c}': draw(iou) for c in classes} for classes in seen]


def test_by_hand():
    steps = [
        dict(cat=50.0, dog=80.0),
        dict(cat=60.0, dog=30.0, cow=40.0),
        dict(cat=20.0, dog=35.0, cow=45.0, bus=90.0),
    ]
    lost = forgetting_of(steps)
    # The best of cat is at step 1; cow is better than ever; bus is learned at the last step.
    assert lost == dict(cat=40.0, dog=45.0, cow=-5.0)
    assert list(lost) == ['cat', 'dog', 'cow']
    assert mean_forgetting(lost) == pytest.approx(80 / 3)


def test_a_class_that_occurs_nowhere_does_not_count():
    steps = [dict(a=None, b=10.0, c=None), dict(a=5.0, b=None, c=None), dict(a=1.0, b=3.0, c=7.0)]
    assert forgetting_of(steps) == dict(a=4.0, b=7.0, c=None)
    assert forgetting_of([dict(a=5.0), dict(a=None, b=1.0)]) == dict(a=None)
    assert mean_forgetting(dict(a=4.0, b=8.0, c=None)) == 6.0


def test_one_step_forgets_nothing():
    assert forgetting_of([dict(a=50.0)]) == {}
    assert forgetting_of([]) == {}
    assert mean_forgetting({}) is None


@given(runs())
def test_it_is_what_loops_over_steps_find(steps):
    last, expected = len(steps) - 1, {}
    for name in steps[-1]:
        learned = next(t for t in range(len(steps)) if name in steps[t])
        if learned == last:
            continue
        best = -math.inf
        for t in range(learned, last):
            if steps[t][name] is not None and steps[t][name] > best:
                best = steps[t][name]
        final = steps[last][name]
        expected[name] = None if best == -math.inf or final is None else best - final
    assert forgetting_of(steps) == expected


@given(runs(st.floats(0, 100)), st.randoms())
def test_the_order_of_earlier_steps_does_not_matter_to_the_first_classes(steps, random):
    *before, last = steps
    random.shuffle(before)
    first = {name: [] for name in steps[0]}
    same = [{name: iou[name] for name in first} for iou in (*before, last)]
    for name, value in forgetting_of(same).items():
        assert value == forgetting_of(steps)[name]


@given(runs(st.floats(0, 50)), st.floats(0, 50))
def test_points_lost_at_the_last_step_are_points_forgotten(steps, points):
    lower = [*steps[:-1], {name: iou - points for name, iou in steps[-1].items()}]
    for name, value in forgetting_of(lower).items():
        assert value == pytest.approx(forgetting_of(steps)[name] + points)
