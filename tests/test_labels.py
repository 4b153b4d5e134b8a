"""Class ids and labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg_dkd import Scenario
from mmseg_dkd.labels import (
    UNKNOWN,
    VOID,
    check_names,
    class_ids_of_labels,
    label_of,
    labels_of_step,
    mask_values,
    num_labels,
)


@pytest.mark.parametrize('background', [True, False])
def test_labels_of_a_data_set_with_and_without_background(background):
    scenario = Scenario('2-1', 3, has_background=background)
    ids = class_ids_of_labels(scenario)
    assert ids.shape == (256,)
    assert ids[: num_labels(scenario)].tolist() == ([0, 1, 2, 3] if background else [1, 2, 3])
    assert ids[VOID] == (VOID if background else UNKNOWN)
    assert set(ids[num_labels(scenario) : VOID].tolist()) == {-1}


def test_values_of_masks_come_back_from_labels():
    scenario = dict(name='2-1', num_classes=3, order=[3, 1, 2])
    assert mask_values(Scenario(**scenario), 0, reduced=False) == [0, 3, 1]
    bare = Scenario(**scenario, has_background=False)
    assert mask_values(bare, 1, reduced=True) == [0, 3, 1, 2]
    assert mask_values(bare, 1, reduced=False) == [VOID, 2, 0, 1]


@given(st.permutations(range(1, 8)), st.integers(1, 6))
def test_every_class_has_the_label_of_its_step(order, base):
    scenario = Scenario([order[:base], *([c] for c in order[base:])], 7)
    last = scenario.num_steps - 1
    labels = [label_of(scenario, class_id, last) for class_id in order]
    assert labels == list(range(1, 8))
    for step in range(scenario.num_steps):
        expected = [label_of(scenario, class_id, step) for class_id in scenario.new(step)]
        assert list(labels_of_step(scenario, step)) == expected
    steps = [labels_of_step(scenario, step) for step in range(scenario.num_steps)]
    assert np.concatenate(steps).tolist() == labels


@pytest.mark.parametrize(
    'name',
    [
        '',
        ' ',
        'a\nb',
        'a\n',
        'a\rb',
        'a\vb',
        'a\fb',
        'a\tb',
        'a\0',
        'a\x1b[2J',
        'a\x85b',
        'a\u2028b',
    ]
    + ['a\u2029b', 'a\ud800', '\ufeffa', 3, None, True, b'a', ('a',)],
    ids=ascii,
)
def test_what_cannot_be_the_name_of_a_class_is_refused(name):
    with pytest.raises(ValueError) as caught:
        check_names(['background', name])
    assert str(caught.value).startswith(f'{name!r} cannot be the name of a class')


def test_name_of_two_classes_is_refused():
    with pytest.raises(ValueError, match="have the name 'cat'"):
        check_names(['background', 'cat', 'dog', 'cat'])


def test_any_line_of_text_is_a_name():
    check_names(
        ['$\\frac$', '<b>', 'a|b', "o'brien", 'Gabelstapler 2,5 t', '叉车', 'می\u200cخواهم', '🚗']
    )
