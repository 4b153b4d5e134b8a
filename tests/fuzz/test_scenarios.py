"""Whatever is written as a scenario: it adds up, or is refused by value."""

import numpy as np
import pytest
from hypothesis import strategies as st
from mmengine.config import Config

from mmseg_dkd import Scenario
from mmseg_dkd.runs import Run

from .trial import EFFORT, TALLY, fuzz, junk, numbers, outcome

sizes = st.integers(1, 12)
permutations = sizes.flatmap(lambda n: st.permutations(range(1, n + 1)))
names = st.one_of(
    st.builds('{}-{}'.format, sizes, sizes),
    st.builds('{}-{}'.format, numbers, numbers),
    st.text(max_size=20),
    st.from_regex(r'\d+-\d+', fullmatch=True),
    st.sampled_from(['joint', '9' * 5000 + '-1', '15-' + '9' * 5000]),
    permutations.map(lambda order: [order[:2], order[2:]]),
    junk,
)
scenarios = st.fixed_dictionaries(
    dict(name=names, num_classes=sizes | st.integers(250, 260) | junk),
    optional=dict(
        setting=st.sampled_from(['overlapped', 'disjoint']) | junk,
        order=permutations | permutations.map(np.array) | junk,
        has_background=st.booleans() | junk,
    ),
)
# A base, an increment and a number of steps behind it: right as long as nothing is changed.
right = st.tuples(sizes, sizes, sizes).map(
    lambda n: dict(name=f'{n[0]}-{n[1]}', num_classes=n[0] + n[1] * n[2])
)
changed = st.tuples(right, scenarios, st.sampled_from(['', 'name', 'setting', 'order'])).map(
    lambda three: three[0] | {k: v for k, v in three[1].items() if k == three[2]}
)


@EFFORT
def test_scenario_adds_up_or_is_refused(examples):
    def check(arguments):
        scenario = outcome('scenario', lambda: Scenario(**arguments))
        if scenario is None:
            return
        classes = range(1, arguments['num_classes'] + 1)
        assert sorted(scenario.order) == list(classes) and len(classes) <= 254
        assert all(scenario.new(step) for step in range(scenario.num_steps))
        presence = np.ones((2, len(classes) + 1), bool)
        assert len(scenario.select(presence, scenario.num_steps - 1)) == 2
        assert Scenario(scenario.steps, len(classes)).order == scenario.order

    fuzz(3 * examples, scenarios | changed, check)
    assert (
        TALLY['scenario', 'taken'] > examples / 10 and TALLY['scenario', 'refused'] > examples / 2
    )


@EFFORT
def test_step_is_one_of_the_scenario_or_refused(examples):
    scenario = Scenario('15-1', 20)

    def check(step):
        if (found := outcome('step', lambda: scenario.check_step(step), '15-1')) is not None:
            assert type(found) is int and found in range(6)

    fuzz(examples, st.integers(-2, 8) | junk, check)


@pytest.mark.parametrize('scenario', ['15-5', dict(nam='15-5'), dict(name='15-4', num_classes=20)])
def test_the_config_of_a_wrong_scenario_is_named(scenario, tmp_path):
    file = tmp_path / 'wrong.py'
    file.write_text(f'scenario = {scenario!r}')
    with pytest.raises(ValueError, match=r'wrong.py: scenario=.*15-'):
        Run(Config.fromfile(file), tmp_path / 'run')
