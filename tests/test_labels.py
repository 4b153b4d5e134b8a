"""Class ids and labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg_dkd import Scenario
from mmseg_dkd.labels import (
    UNKNOWN,
    VOID,
    class_ids_of_labels,
    label_of,
    labels_of_step,
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


@given(st.permutations(range(1, 8)), st.integers(1, 6))
def test_every_class_has_the_label_of_its_step(order, base):
    scenario = Scenario([order[:base], *([c] for c in order[base:])], 7)
    labels = [label_of(scenario, class_id) for class_id in order]
    assert labels == list(range(1, 8))
    for step in range(scenario.num_steps):
        expected = [label_of(scenario, class_id) for class_id in scenario.new(step)]
        assert list(labels_of_step(scenario, step)) == expected
    steps = [labels_of_step(scenario, step) for step in range(scenario.num_steps)]
    assert np.concatenate(steps).tolist() == labels
