"""The class order, and the images of each step against counts of the real VOC training set."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmseg_dkd import Scenario
from tests.oracle import ORACLE

VOC_TRAIN = {
    (setting, name): sizes['train']
    for setting, scenarios in json.loads((ORACLE / 'split_sizes.json').read_text())['voc'].items()
    for name, sizes in scenarios.items()
}


@pytest.fixture(scope='module')
def known_presence() -> dict[str, np.ndarray]:
    """bool ``[10582]`` each: ``class_11`` .. ``class_20`` and unions of the lower classes."""
    with np.load(ORACLE / 'voc_presence.npz') as stored:
        return {key: stored[key] for key in stored.files if key != 'image_id'}


@pytest.mark.parametrize('setting, name', VOC_TRAIN)
def test_voc_steps_have_the_known_number_of_images(known_presence, setting, name):
    presence = np.zeros((10582, 21), bool)
    for class_id in range(11, 21):
        presence[:, class_id] = known_presence[f'class_{class_id}']
    # Of the lower classes only unions are known: one column of a range stands for all of it.
    unions = {1: 'any_1_5', 6: 'any_6_8', 9: 'any_9_11'} if name == '5-3' else {1: 'any_1_10'}
    for column, union in unions.items():
        presence[:, column] = known_presence[union]
    scenario = Scenario(name, 20, {'overlap': 'overlapped'}.get(setting, setting))
    counts = [len(scenario.select(presence, t)) for t in range(scenario.num_steps)]
    assert counts == VOC_TRAIN[setting, name]


def test_all_counted_voc_scenarios_are_compared():
    assert len(VOC_TRAIN) == 8, f'split_sizes.json has changed: {sorted(VOC_TRAIN)}'


@pytest.mark.parametrize(
    'name, num_classes, sizes',
    [
        ('19-1', 20, [19, 1]),
        ('15-5', 20, [15, 5]),
        ('15-1', 20, [15] + [1] * 5),
        ('10-1', 20, [10] + [1] * 10),
        ('5-3', 20, [5] + [3] * 5),
        ('100-50', 150, [100, 50]),
        ('100-10', 150, [100] + [10] * 5),
        ('100-5', 150, [100] + [5] * 10),
        ('50-50', 150, [50] * 3),
        ('joint', 20, [20]),
    ],
)
def test_published_names_cut_the_classes_in_ascending_order(name, num_classes, sizes):
    scenario = Scenario(name, num_classes)
    assert [len(scenario.new(t)) for t in range(scenario.num_steps)] == sizes
    assert scenario.order == tuple(range(1, num_classes + 1))


def test_order_is_cut_as_given():
    scenario = Scenario('2-1', 4, order=np.array([4, 2, 1, 3]))
    assert scenario.steps == ((4, 2), (1,), (3,))
    assert all(type(c) is int for c in scenario.order), 'numpy integers must not spread'


def test_explicit_steps_may_differ_in_size():
    scenario = Scenario([[5], [1, 2, 3], [4]], 5)
    assert (scenario.name, scenario.num_steps) == ('1+3+1', 3)
    assert (scenario.old(1), scenario.new(1), scenario.future(1)) == ((5,), (1, 2, 3), (4,))


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(name='15-4', num_classes=20), '20 classes less 15 leave 5'),
        (dict(name='20-5', num_classes=20), '20 classes less 20 leave 0'),
        (dict(name='21-1', num_classes=20), '20 classes less 21 leave -1'),
        (dict(name='15', num_classes=20), "'15' is neither 'joint' nor"),
        (dict(name='15-0', num_classes=20), "'15-0' is neither"),
        (dict(name='joint', num_classes=0), 'positive integer, got 0'),
        (dict(name='joint', num_classes=2.0), 'positive integer, got 2.0'),
        (dict(name='joint', num_classes=True), 'positive integer, got True'),
        (dict(name='joint', num_classes=3, setting='overlap'), "got 'overlap'"),
        (dict(name=[[1, 2], [2, 3]], num_classes=3), r'missing \[\], repeated or out.* \[2\]'),
        (dict(name=[[1], [3]], num_classes=3), r'missing \[2\]'),
        (dict(name=[[1, 0], [2]], num_classes=2), r'out of range \[0\]'),
        (dict(name=[[1, 2], [255]], num_classes=2), r'out of range \[255\]'),
        (dict(name=[[1, 2], []], num_classes=2), 'a step without classes'),
        (dict(name=[], num_classes=2), r'missing \[1, 2\]'),
        (dict(name=[[1, 2.0]], num_classes=2), 'must be integers'),
        (dict(name=[[2, True]], num_classes=2), 'must be integers'),
        (dict(name=[[1], [2]], num_classes=2, order=[2, 1]), 'leave order out'),
        (dict(name='1-1', num_classes=2, order=[1, 1]), r'missing \[2\], repeated .* \[1\]'),
        (dict(name='2-1', num_classes=4, order=[1, 2, 4]), r'missing \[3\]'),
        (dict(name='1-1', num_classes=2, order=[1, 2, 3]), r'out of range \[3\]'),
        (dict(name='2-1', num_classes=4, classes=[2, 4]), '2 classes less 2 leave 0'),
        (dict(name='1-1', num_classes=4, classes=[2, 5]), r'classes=\[2, 5\] must be .* 1 to 4'),
        (dict(name='1-1', num_classes=4, classes=[2, 2]), r'\[2, 2\] must be different class ids'),
        (dict(name='1-1', num_classes=4, classes=[True, 2]), r'\[True, 2\] must be'),
        (dict(name='joint', num_classes=4, classes=[]), r'classes=\[\] must be .* at least one'),
        (dict(name='joint', num_classes=4, classes='ab'), "classes must be a list, got 'ab'"),
        (dict(name=[[2], [3]], num_classes=4, classes=[2, 4]), r'missing \[4\], .* \[3\]'),
        (
            dict(name='1-1', num_classes=4, classes=[2, 4], order=[4, 1]),
            r'each class id of classes=\[2, 4\] exactly once: missing \[2\]',
        ),
    ],
)
def test_contradictions_are_refused_by_value(arguments, message):
    with pytest.raises(ValueError, match=message):
        Scenario(**arguments)


def test_part_of_all_classes_is_the_whole():
    whole = Scenario('2-1', 4)
    assert Scenario('2-1', 4, classes=[4, 3, 2, 1]) == whole and whole.left_out == ()
    assert Scenario('2-1', 5, classes=[1, 2, 3, 4]) != whole


@pytest.mark.parametrize('step', [-1, 2])
def test_there_is_no_step_outside_of_the_scenario(step):
    with pytest.raises(ValueError, match=rf'steps 0\.\.1, not {step}'):
        Scenario('15-5', 20).new(step)


def test_no_step_named_means_the_last():
    assert Scenario('15-1', 20).check_step(None) == 5


@pytest.mark.parametrize('shape', [(3, 20), (3, 22), (21,)])
def test_presence_of_another_data_set_is_refused(shape):
    with pytest.raises(ValueError, match=r'presence must be \[images, 21\]'):
        Scenario('15-5', 20).select(np.zeros(shape, bool), 0)


def test_unlabelled_pixels_are_ignored_only_without_a_background():
    bare = dict(num_classes=20, has_background=False)
    usual, ignored = Scenario('15-5', **bare), Scenario('15-5', **bare, unlabelled='ignored')
    assert usual.zero_counts and not ignored.zero_counts
    assert usual == Scenario('15-5', **bare, unlabelled='background') != ignored
    assert not ignored.until(0).zero_counts and 'unlabelled ignored' in repr(ignored)
    with pytest.raises(ValueError, match="unlabelled='ignored' is for data without a background"):
        Scenario('15-5', 20, unlabelled='ignored')
    with pytest.raises(ValueError, match="one of .*'ignored'.*, got 'void'"):
        Scenario('15-5', **bare, unlabelled='void')


def test_fingerprint_never_changes():
    # Runs on disk are recognised by it.
    assert Scenario('15-5', 20).fingerprint == '03d83bb427ccf170'


def cut(order: list[int], ends: set[int]) -> list[list[int]]:
    bounds = [0, *sorted(ends), len(order)]
    return [order[a:b] for a, b in zip(bounds, bounds[1:], strict=False)]


@st.composite
def definitions(draw, part: bool = False) -> dict:
    num_classes = draw(st.integers(2, 9))
    order = draw(st.permutations(range(1, num_classes + 1)))
    learned = draw(st.integers(1, num_classes)) if part else num_classes
    ends = draw(st.sets(st.integers(1, learned - 1))) if learned > 1 else set()
    classes = dict(classes=list(draw(st.permutations(order[:learned])))) if part else {}
    return dict(
        classes,
        name=cut(list(order[:learned]), ends),
        num_classes=num_classes,
        setting=draw(st.sampled_from(['overlapped', 'disjoint'])),
        has_background=draw(st.booleans()),
    )


@given(definitions())
def test_steps_partition_the_class_ids(definition):
    scenario = Scenario(**definition)
    learned = []
    for t in range(scenario.num_steps):
        assert scenario.old(t) == tuple(learned)
        learned += scenario.new(t)
        assert scenario.seen(t) == scenario.old(t) + scenario.new(t) == tuple(learned)
        assert sorted(scenario.seen(t) + scenario.future(t)) == sorted(scenario.order)
    assert sorted(learned) == list(range(1, definition['num_classes'] + 1))


@given(definitions(part=True))
def test_classes_that_are_not_named_are_left_out(definition):
    scenario = Scenario(**definition)
    ids = set(range(1, definition['num_classes'] + 1))
    assert scenario.classes == tuple(sorted(definition['classes'])) == tuple(sorted(scenario.order))
    assert set(scenario.left_out) == ids - set(scenario.order)
    joint = Scenario('joint', scenario.num_classes, classes=definition['classes'])
    assert joint.steps == (scenario.classes,), 'the order of classes=[...] is not that of learning'


@given(definitions(), definitions())
def test_fingerprints_are_equal_exactly_for_equal_definitions(one, other):
    # Drawn at random, two definitions hardly ever agree, so close relatives are compared as well.
    swapped = [list(step) for step in one['name']]
    swapped[0][0], swapped[-1][-1] = swapped[-1][-1], swapped[0][0]
    joined = [[c for step in one['name'] for c in step]]
    relatives = [
        other,
        dict(one),
        dict(one, has_background=not one['has_background']),
        dict(one, setting='disjoint' if one['setting'] == 'overlapped' else 'overlapped'),
        dict(one, name=swapped),
        dict(one, name=joined),
        dict(
            one, name=[*one['name'], [one['num_classes'] + 1]], num_classes=one['num_classes'] + 1
        ),
    ]
    for relative in relatives:
        a, b = Scenario(**one), Scenario(**relative)
        same = one == relative
        assert (a.fingerprint == b.fingerprint) == same, (one, relative)
        assert (a == b) == same and (hash(a) == hash(b) or not same)


@given(st.integers(1, 6), st.integers(1, 3), st.integers(1, 4), st.data())
def test_spelling_does_not_change_the_fingerprint(base, increment, times, data):
    total = base + increment * times
    order = list(data.draw(st.permutations(range(1, total + 1))))
    named = Scenario(f'{base}-{increment}', total, order=order)
    listed = Scenario(cut(order, set(range(base, total, increment))), total)
    assert named == listed
    assert Scenario('joint', total, order=order) == Scenario([order], total)


@settings(max_examples=60)
@given(definitions() | definitions(part=True), st.integers(0, 12), st.integers(0, 2**32 - 1))
def test_selection_is_the_plain_rule_image_by_image(definition, images, seed):
    rng = np.random.default_rng(seed)
    presence = rng.random((images, definition['num_classes'] + 1)) < 0.25
    scenario = Scenario(**definition)
    for t in range(scenario.num_steps):
        shows = [set(np.flatnonzero(row)) for row in presence]
        new, seen, later = map(set, (scenario.new(t), scenario.seen(t), scenario.future(t)))
        overlapped = [i for i, classes in enumerate(shows) if classes & new]
        disjoint = [i for i in overlapped if not shows[i] & later]
        expected = disjoint if definition['setting'] == 'disjoint' else overlapped
        assert scenario.select(presence, t).tolist() == expected
        assert scenario.select_test(presence, t).tolist() == [
            i for i, classes in enumerate(shows) if classes & seen
        ]


@given(definitions(), st.integers(0, 2**32 - 1))
def test_disjoint_images_are_a_subset_that_no_two_steps_share(definition, seed):
    presence = np.random.default_rng(seed).random((20, definition['num_classes'] + 1)) < 0.3
    overlapped = Scenario(**dict(definition, setting='overlapped'))
    disjoint = Scenario(**dict(definition, setting='disjoint'))
    steps = [set(disjoint.select(presence, t)) for t in range(disjoint.num_steps)]
    for t, images in enumerate(steps):
        assert images <= set(overlapped.select(presence, t))
    assert sum(map(len, steps)) == len(set().union(*steps))


@given(definitions(), st.data())
def test_grown_scenario_shares_the_steps_of_the_shorter_one(definition, data):
    # Ids of added classes are behind all others.
    scenario = Scenario(**definition)
    start, total = scenario.num_steps, scenario.num_classes
    added = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    steps = [list(step) for step in scenario.steps]
    for size in added:
        steps.append(list(range(total + 1, total + size + 1)))
        total += size
    grown = Scenario(**dict(definition, name=steps, num_classes=total))
    overlapped = definition['setting'] == 'overlapped'
    assert grown.shares(scenario.fingerprint, start - 1) == overlapped
    assert bool(grown.no_growth) != overlapped
    assert not grown.shares(scenario.fingerprint, start), 'the shorter one has no such step'
    assert not scenario.shares(grown.fingerprint), 'nothing shrinks'
    assert grown.until(start - 1) == scenario
    if overlapped:
        assert scenario in grown.grown_from()
        assert [s.num_steps for s in grown.grown_from(start)] == [*range(start + 1, len(steps))]


@given(definitions(), definitions())
def test_only_equal_steps_are_shared(one, other):
    a, b = Scenario(**one), Scenario(**other)
    known = a.shares(b.fingerprint)
    prefix = a.steps[: b.num_steps] == b.steps
    same_kind = (a.setting, a.has_background) == (b.setting, b.has_background)
    assert known == (prefix and same_kind and (a == b or a.setting == 'overlapped'))


def test_there_is_no_shorter_scenario_where_ids_are_missing():
    scenario = Scenario([[1, 3], [2], [4]], 4)
    assert [s.steps for s in scenario.grown_from()] == [((1, 3), (2,))]
    with pytest.raises(ValueError, match=r'missing \[2\]'):
        scenario.until(0)
