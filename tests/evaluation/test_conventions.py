"""Every convention against plain loops over pixels that know nothing of confusion matrices."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_dkd import Scenario
from mmseg_dkd.evaluation import conventions_of
from mmseg_dkd.evaluation import scores as of_scores
from mmseg_dkd.evaluation.conventions import scores

VOC = Scenario([[3, 1], [5], [2, 4]], 5)
ADE = Scenario([[3, 1], [5], [2, 4]], 5, has_background=False)


def some_images(seed, count=6, step=1):
    """Ground truth in class ids, 255 void, and predictions in seen ids; blocks, so IoUs differ."""
    rng = np.random.default_rng(seed)
    truth, guess = [], []
    for _ in range(count):
        kinds = rng.choice(
            [0, 1, 2, 3, 4, 5, 255], size=(2, 3), p=[0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
        )
        image = np.kron(kinds, np.ones((3, 2), int))
        said = np.where(rng.random(image.shape) < 0.6, image, rng.integers(0, 6, image.shape))
        known = [0, *VOC.seen(step)]
        truth.append(image)
        guess.append(np.where(np.isin(said, known), said, 0))
    # One without a seen class: only background and classes to come.
    truth.append(np.array([[0, 2], [4, 255]]))
    guess.append(np.array([[3, 0], [1, 3]]))
    return truth, guess


def confusion_of(truth, guess, scenario, step):
    """What the package stores, from the images."""
    label = {0: 0, **{c: i for i, c in enumerate(scenario.order, 1)}}
    matrix = np.zeros((2, 6, 1 + len(scenario.seen(step))), np.int64)
    for y, p in zip(truth, guess, strict=True):
        group = 0 if set(y.flat) & set(scenario.seen(step)) else 1
        for a, b in zip(y.flat, p.flat, strict=True):
            if a != 255:
                matrix[group, label[int(a)], label[int(b)]] += 1
    return matrix


def by_hand(truth, guess, scenario, step, future, all_images, with_zero):
    """The definition: which pixels count, as what, and which classes are averaged."""
    seen, base = scenario.seen(step), scenario.new(0)
    hit, said, there = ({c: 0 for c in (0, *seen)} for _ in range(3))
    for y, p in zip(truth, guess, strict=True):
        if not all_images and not any(c in y for c in seen):
            continue
        for a, b in zip(y.flat, p.flat, strict=True):
            if a == 255 or (a in scenario.future(step) and future == 'ignored'):
                continue
            a = 0 if a in scenario.future(step) else int(a)
            hit[a] += a == b
            there[a] += 1
            said[int(b)] += 1
    iou = {}
    for c in hit:
        union = there[c] + said[c] - hit[c]
        if union:
            iou[c] = 100 * hit[c] / union

    def mean(classes):
        known = [iou[c] for c in classes if c in iou]
        return sum(known) / len(known) if known else None

    zero = [0] if with_zero else []
    novel = [c for c in seen if c not in base]
    b, n = mean([*zero, *base]), mean(novel)
    both = None if b is None or n is None else (2 * b * n / (b + n) if b + n else 0.0)
    return dict(miou_base=b, miou_novel=n, miou_all=mean([*zero, *seen]), hiou=both)


# Written down once more, from the papers' programs.
BY_NAME = {
    True: [
        ('MiB', 'ignored', False, True),
        ('MiB', 'ignored', False, False),
        ('PLOP', 'background', False, True),
        ('SSUL', 'ignored', True, True),
        ('DKD', 'background', False, True),
    ],
    False: [
        ('MiB', 'ignored', False, False),
        ('PLOP', 'background', False, True),
        ('SSUL', 'ignored', True, True),
        ('DKD', 'ignored', False, True),
    ],
}


@pytest.mark.parametrize('scenario', [VOC, ADE], ids=['background', 'unlabelled'])
@pytest.mark.parametrize('step', [0, 1, 2])
@pytest.mark.parametrize('seed', range(5))
def test_every_convention_is_its_definition(scenario, step, seed):
    truth, guess = some_images(seed, step=step)
    matrix = confusion_of(truth, guess, scenario, step)
    names = [str(c) for c in (0, *scenario.seen(step))]
    offered = conventions_of(scenario.has_background)
    assert [c.name for c in offered] == [row[0] for row in BY_NAME[scenario.has_background]]
    for convention, (_, *rules) in zip(offered, BY_NAME[scenario.has_background], strict=True):
        actual = scores(matrix, convention, names, base=[1, 2])
        assert actual == pytest.approx(by_hand(truth, guess, scenario, step, *rules)), convention


def test_the_conventions_differ_where_they_should():
    truth, guess = some_images(1)
    matrix = confusion_of(truth, guess, VOC, 1)
    names = [str(c) for c in (0, *VOC.seen(1))]
    found = [scores(matrix, c, names, [1, 2])['miou_all'] for c in conventions_of(True)]
    mib, without_zero, plop, ssul, dkd = found
    assert plop == dkd and len({mib, without_zero, plop, ssul}) == 4


def test_classes_that_the_means_leave_out_are_named(monkeypatch):
    found = []
    monkeypatch.setattr(of_scores, 'print_log', lambda text, **_: found.append(text))
    matrix = np.zeros((2, 6, 4), np.int64)
    # Neither background nor class 5 is there; class 1 is predicted alone.
    matrix[0, 1, 1] = matrix[0, 1, 2] = 7
    for convention in conventions_of(True):
        scores(matrix, convention, ['background', '3', '1', '5'], base=[1, 2])
    named = [text.split(', since')[0] + text.rpartition(':')[2] for text in found]
    ours = ['MiB', 'MiB', 'PLOP', 'SSUL', 'DKD']
    absent = ['background, 5', '5', *['background, 5'] * 3]
    expected = [f'left out of the means of {c} {a}' for c, a in zip(ours, absent, strict=True)]
    assert named == expected


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6))
def test_a_perfect_prediction_has_100_percent_in_every_convention(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 50, 6)
    # At the last step there is nothing to come.
    matrix = np.stack([np.diag(counts), np.zeros((6, 6), int)])
    for has_background in (True, False):
        for convention in conventions_of(has_background):
            found = scores(matrix, convention, list('012345'), base=[1, 2])
            assert all(math.isclose(value, 100) for value in found.values())


def test_confusion_stays_as_it_was():
    matrix = np.arange(2 * 6 * 4).reshape(2, 6, 4)
    before = matrix.copy()
    for convention in conventions_of(True):
        scores(matrix, convention, list('0123'), base=[1, 2])
    assert np.array_equal(matrix, before)
