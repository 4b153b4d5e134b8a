"""A config that grew, cut back to what it was."""

import copy

import pytest
from mmengine.config import Config

from mmseg_dkd import Scenario
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs.recipe import before_growth, recipe_of
from tests.tiny import REPOSITORY


def config(num_classes: int, **scenario) -> Config:
    """The demo's config with so many classes, tested on a set in which all are labelled."""
    cfg = Config.fromfile(REPOSITORY / 'configs/dkd/fashion_4-2.py')
    cfg.scenario = dict(scenario, num_classes=num_classes)
    cfg.model.decode_head.num_classes = num_classes + 1
    names = ['background', *(f'class {c}' for c in range(1, num_classes + 1))]
    cfg.test_dataloader.dataset.dataset = dict(
        type='LabelledFolder',
        metainfo=dict(classes=names, palette=[[c] * 3 for c in range(num_classes + 1)]),
        labels={name: 10 + label for label, name in enumerate(names)},
    )
    return cfg


GROWTHS = [
    (dict(name='4-2'), dict(name='4-2')),
    (
        dict(name='4-2', order=[4, 3, 1, 2, 6, 5]),
        dict(name='4-2', order=[4, 3, 1, 2, 6, 5, 8, 7]),
    ),
    (dict(name=[[4, 1, 2, 3], [5, 6]]), dict(name=[[4, 1, 2, 3], [5, 6], [7, 8]])),
    (dict(name=[[4, 1, 2, 3, 6, 5]]), dict(name=[[4, 1, 2, 3, 6, 5], [8], [7]])),
]


def recipes_before(grown: Config, step: int) -> list[str]:
    configs = before_growth(grown, Scenario(**grown.scenario), step)
    return [recipe_of(step_config(cfg, step)) for cfg in configs]


@pytest.mark.parametrize('short, long', GROWTHS)
def test_steps_before_growth_have_the_recipe_they_had(short, long):
    before, grown = config(6, **short), config(8, **long)
    untouched = copy.deepcopy(grown._cfg_dict)
    for step in range(2 if len(short['name']) > 1 else 1):
        recipe = recipe_of(step_config(before, step))
        assert recipe != recipe_of(step_config(grown, step))
        assert recipe in recipes_before(grown, step)
        before.train_dataloader.batch_size = 3
        assert recipe_of(step_config(before, step)) not in recipes_before(grown, step)
        before.train_dataloader.batch_size = grown.train_dataloader.batch_size
    assert grown._cfg_dict == untouched


def test_last_step_and_disjoint_runs_have_no_earlier_config():
    grown, disjoint = config(8, name='4-2'), config(8, name='4-2', setting='disjoint')
    earlier = before_growth(grown, Scenario('4-2', 8), 0)
    assert [cfg.scenario.num_classes for cfg in earlier] == [4, 6]
    assert recipes_before(grown, 2) == recipes_before(disjoint, 0) == []
