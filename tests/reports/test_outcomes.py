"""What is read of runs: their base classes, and what they cost."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from mmseg_dkd import Scenario
from mmseg_dkd.reports.columns import Column
from mmseg_dkd.reports.outcomes import read_outcomes
from mmseg_dkd.utils.json_file import write_json

from .made_up_run import FINISHED, UNKNOWN


def write_run(folder: Path, scenario: Scenario, costs: list[dict] | None = None):
    """A run of all steps; class c is named ``class c`` and has the IoU c."""
    results = []
    for step in range(scenario.num_steps):
        ids = (0, *scenario.seen(step))
        iou = {f'class {c}': float(c) for c in ids}
        results.append(dict(UNKNOWN, step=step, per_class_iou=iou, choices=dict(memory=None)))
    write_json(folder / 'results.json', results)
    costs = costs or [{}] * scenario.num_steps
    steps = {step: FINISHED | cost for step, cost in enumerate(costs)}
    write_json(folder / 'manifest.json', dict(steps=steps))
    first_steps = folder.parent / 'first_steps'
    return SimpleNamespace(work_dir=folder, scenario=scenario, first_steps=first_steps)


def read(run, scenario=None):
    column = Column('x', [scenario or run.scenario], dict(method=[run]))
    return read_outcomes([column])['x']['method'][0]


@pytest.mark.parametrize('order', [None, [4, 2, 3, 1]])
@pytest.mark.parametrize(
    'scenario', [Scenario('2-1', 4), Scenario([[3, 1], [2], [4]], 4), Scenario('1-1', 4)]
)
def test_joint_training_takes_the_split_of_the_scenario_in_whatever_order(
    scenario, order, tmp_path
):
    own = read(write_run(tmp_path / 'own', scenario))
    joint = read(write_run(tmp_path / 'joint', Scenario('joint', 4, order=order)), scenario)
    base = {'class 0', *(f'class {c}' for c in scenario.new(0))}
    assert set(own.base) == set(joint.base) == base
    assert own.scores() == joint.scores()
    assert own.scores()['miou_base'] == sum((0, *scenario.new(0))) / len(base)
    assert own.scores()['least_novel'] == min(set(range(1, 5)) - set(scenario.new(0)))
    assert joint.forgetting == {} and set(own.forgetting.values()) == {0.0}


def test_background_is_not_forgotten_and_each_step_is_read(tmp_path):
    outcome = read(write_run(tmp_path / 'run', Scenario('2-1', 4)))
    assert list(outcome.forgetting) == ['class 1', 'class 2', 'class 3']
    assert outcome.scores(0)['miou_novel'] is None
    assert outcome.scores(1)['miou_novel'] == 3.0 and outcome.scores(1)['miou_all'] == 1.5


def test_costs_of_all_steps_count_with_the_shared_one(tmp_path):
    # The folders have moved since: the path in the manifest is gone.
    costs = [
        dict(shared='/gone/first_steps/abc'),
        dict(seconds=60.0, memory_mib=800.0),
        dict(seconds=30.0, memory_mib=700.0),
    ]
    first = dict(steps={'0': dict(FINISHED, seconds=90.0, memory_mib=900.0)})
    write_json(tmp_path / 'first_steps/abc/manifest.json', first)
    outcome = read(write_run(tmp_path / 'run', Scenario('2-1', 4), costs))
    assert (outcome.minutes, outcome.memory_mib) == (3.0, 900.0)


@pytest.mark.parametrize(
    'cost, minutes',
    [
        # Of before memory was measured.
        (dict(seconds=60.0), 3.0),
        (dict(seconds=None, memory_mib=None), None),
        (dict(shared='first_steps/gone'), None),
    ],
)
def test_what_was_not_measured_is_not_guessed(cost, minutes, tmp_path):
    costs = [cost, *[dict(seconds=60.0, memory_mib=5.0)] * 2]
    outcome = read(write_run(tmp_path / 'run', Scenario('2-1', 4), costs))
    assert (outcome.minutes, outcome.memory_mib) == (minutes, None)


def test_runs_can_be_left_out(tmp_path):
    scenario = Scenario('2-1', 4)
    runs = [write_run(tmp_path / f'seed_{k}', scenario) for k in range(3)]
    column = Column('x', [scenario] * 3, dict(kd=runs, mib=runs[:0] + runs))
    found = read_outcomes([column], {tmp_path / 'seed_1': 'lacks step 2'})
    folders = [outcome.folder.name for outcome in found['x']['kd']]
    assert folders == ['seed_0', 'seed_2']
