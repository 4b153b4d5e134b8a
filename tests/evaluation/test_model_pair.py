"""Pixels that change from one model to the next, against loops over pixels."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_dkd.evaluation.model_pair import ModelPair

OLD, NEW = ['background', 'a', 'b'], ['background', 'b', 'a', 'c', 'd']


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), forget=st.booleans())
def test_counts_are_those_of_a_loop(seed, forget):
    rng = np.random.RandomState(seed)
    new = [name for name in NEW if not (forget and name == 'a')]
    pair = ModelPair(OLD, new)
    went: Counter = Counter()
    hits: Counter = Counter()
    union: Counter = Counter()
    for _ in range(2):
        before, after = rng.randint(0, 3, (6, 5)), rng.randint(0, len(new), (6, 5))
        truth = rng.choice([*range(len(new)), 255], (6, 5))
        changed = 0
        for b, a, t in zip(before.ravel(), after.ravel(), truth.ravel(), strict=True):
            went[OLD[b], new[a]] += 1
            changed += OLD[b] != new[a]
            for which, guess in (('old', OLD[b]), ('new', new[a])):
                if t != 255:
                    hits[which, guess] += guess == new[t]
                    for name in {guess, new[t]}:
                        union[which, name] += 1
        assert pair.add(before, after, truth) == changed
    for name, found in pair.changes().items():
        assert found['stayed'] == went[name, name]
        others = {other: n for (one, other), n in went.items() if one == name != other and n}
        assert found['went_to'] == others
        assert found['pixels'] == found['stayed'] + sum(others.values())
    moved = sum(n for (one, other), n in went.items() if one != other and other in OLD)
    assert pair.exact == (moved == 0)
    for name, either in pair.iou().items():
        for which, value in either.items():
            known = union[which, name] and (which == 'new' or name in OLD)
            expected = 100 * hits[which, name] / union[which, name] if known else None
            assert value == (pytest.approx(expected) if known else None), (name, which)


def test_new_classes_alone_may_take_pixels():
    pair = ModelPair(OLD, NEW)
    pair.add(np.array([[0, 1, 2]]), np.array([[3, 4, 1]]), None)
    assert pair.exact and pair.images == 1
    pair.add(np.array([[1]]), np.array([[1]]), None)
    assert not pair.exact, 'a became b'


def test_masks_that_do_not_fit_are_told():
    pair = ModelPair(OLD, NEW)
    labels = np.zeros((2, 2), int)
    with pytest.raises(ValueError, match=r'the mask has \[5\], the classes are'):
        pair.add(labels, labels, np.full((2, 2), 5))
    with pytest.raises(ValueError, match=r'the mask is \(1, 2\), the image \(2, 2\)'):
        pair.add(labels, labels, labels[:1])
    with pytest.raises(ValueError, match='300 classes: at most 254'):
        ModelPair(OLD, [str(number) for number in range(297)])
