"""Steps that learn known classes anew, in the scenario alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg_dkd import Scenario
from mmseg_dkd.labels import label_of, labels_of_step


@st.composite
def with_refresh(draw) -> dict:
    """First all classes in some steps, then steps of known ones, some of them with a new one."""
    count = draw(st.integers(2, 6))
    order = list(draw(st.permutations(range(1, count + 1))))
    base = draw(st.integers(1, count))
    steps, rest = [order[:base]], order[base:]
    for _ in range(draw(st.integers(1, 4))):
        known = [c for step in steps for c in step]
        step = draw(st.lists(st.sampled_from(known), unique=True))
        steps.append([*step, rest.pop()] if rest and (not step or draw(st.booleans())) else step)
        steps = [step for step in steps if step]
    return dict(name=[*steps, *([rest] if rest else [])], num_classes=count, refresh=True)


@given(with_refresh())
def test_a_class_belongs_to_the_step_that_learned_it_last(definition):
    scenario = Scenario(**definition)
    owner: dict[int, int] = {}
    for t in range(scenario.num_steps):
        own = definition['name'][t]
        assert scenario.new(t) == tuple(own)
        assert scenario.refreshed(t) == tuple(c for c in own if c in owner)
        for class_id in own:
            owner.pop(class_id, None)
            owner[class_id] = t
        assert scenario.seen(t) == scenario.old(t) + scenario.new(t)
        assert {c: k for k, part in enumerate(scenario.kept(t)) for c in part} == owner
        assert sorted(scenario.seen(t)) == sorted(owner)
        assert sorted(scenario.seen(t) + scenario.future(t)) == list(scenario.classes)
        assert [label_of(scenario, c, t) for c in own] == list(labels_of_step(scenario, t))


@given(with_refresh(), st.integers(0, 2**32 - 1))
def test_images_of_a_refresh_show_its_classes(definition, seed):
    presence = np.random.default_rng(seed).random((20, definition['num_classes'] + 1)) < 0.3
    for setting in ('overlapped', 'disjoint'):
        scenario = Scenario(**definition, setting=setting)
        for t in range(scenario.num_steps):
            shows = presence[:, list(scenario.new(t))].any(axis=1)
            if setting == 'disjoint':
                shows &= ~presence[:, list(scenario.future(t))].any(axis=1)
            assert scenario.select(presence, t).tolist() == np.flatnonzero(shows).tolist()


@given(with_refresh())
def test_a_run_grows_by_a_refresh(definition):
    grown = Scenario(**definition)
    for shorter in grown.grown_from():
        known = len({c for step in shorter.steps for c in step})
        plain = dict(name=shorter.steps, num_classes=known)
        assert grown.shares(Scenario(**plain, refresh=True).fingerprint)
        if shorter.num_steps == 1:
            assert shorter == Scenario(**plain), 'who had no refresh yet, need not have said so'


def test_what_is_learned_anew_must_be_asked_for():
    with pytest.raises(ValueError, match=r'repeated .* \[1\].*set refresh=True'):
        Scenario([[1, 2], [1]], 2)
    with pytest.raises(ValueError, match=r'repeated or out of range \[1\]'):
        Scenario([[1, 2], [1, 1]], 2, refresh=True)
    with pytest.raises(ValueError, match=r'missing \[3\]'):
        Scenario([[1, 2], [1]], 3, refresh=True)
    with pytest.raises(ValueError, match="refresh must be True or False, got 'yes'"):
        Scenario([[1, 2], [1]], 2, refresh='yes')
    scenario = Scenario([[1, 2], [1]], 2, refresh=True)
    assert 'with refresh' in repr(scenario) and 'refresh' not in repr(Scenario([[1, 2]], 2))
    assert Scenario('1-1', 2, refresh=True) == Scenario('1-1', 2)
