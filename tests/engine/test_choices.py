"""Presets, and the record of what was chosen."""

import json

import pytest
from mmengine.config import Config

from mmseg_dkd.engine.choices import choices_of
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs import Run
from mmseg_dkd.utils import checkpoint_types
from tests.tiny import REPOSITORY

# Rows of the protocol where the paper and the authors' program differ: (step 0, later steps).
ROWS = dict(
    official=dict(
        nesterov=(True, True),
        weight_decay=(1e-4, 1e-4),
        amp=(True, True),
        freeze_norm=(False, True),
        freeze_dropout=(False, True),
        norm_momentum=(0.01, 0.01),
    ),
    paper=dict(
        nesterov=(False, False),
        weight_decay=(0.0, 0.0),
        amp=(False, False),
        freeze_norm=(False, False),
        freeze_dropout=(False, False),
        norm_momentum=(0.1, 0.1),
        parameter_groups=({}, {}),
    ),
)


@pytest.mark.parametrize('preset', ROWS)
@pytest.mark.parametrize('name', ['voc_15-5', 'voc_15-1_disjoint', 'ade_100-50', 'ade_100-10'])
def test_preset_has_every_row_of_the_protocol(name, preset):
    cfg = Config.fromfile(REPOSITORY / f'configs/dkd/{name}.py')
    cfg.merge_from_dict(dict(preset=preset))
    chosen = [choices_of(step_config(cfg, step)) for step in (0, 1)]
    for key, expected in ROWS[preset].items():
        assert (chosen[0][key], chosen[1][key]) == expected, key
    ade = name.startswith('ade')
    warm_up = dict(official=0.2, paper=0.1)[preset] if ade else 0.0
    gamma = (35.0, 35.0) if ade else (2.0, 1.0)
    assert chosen[0]['warm_up'] == chosen[1]['warm_up'] == warm_up
    assert (chosen[0]['gamma'], chosen[1]['gamma']) == gamma
    assert (chosen[0]['alpha'], chosen[0]['beta']) == (5.0, 5.0)


@pytest.mark.parametrize(
    ('schedule', 'part'),
    [
        ([dict(type='LinearLR', end=15, by_epoch=True), dict(type='PolyLR', begin=15)], 0.25),
        (dict(type='WarmUpPolyLR', warm_up=0.3), 0.3),
        (dict(type='WarmUpPolyLR'), 0.0),
        ([dict(type='LinearLR', end=1500, by_epoch=False)], None),
        (None, 0.0),
    ],
)
def test_warm_up_is_the_part_of_the_step(schedule, part):
    cfg = Config.fromfile(REPOSITORY / 'configs/dkd/voc_15-5.py')
    cfg.param_scheduler = schedule
    assert choices_of(step_config(cfg, 0))['warm_up'] == part


def test_unknown_preset_is_refused_with_those_there_are():
    cfg = Config.fromfile(REPOSITORY / 'configs/dkd/voc_15-5.py')
    cfg.preset = 'paper2'
    with pytest.raises(ValueError, match=r"preset='paper2'.*\['official', 'paper'\]"):
        step_config(cfg, 0)


def test_choices_are_in_the_checkpoint_and_in_the_results(finished):
    entry = json.loads((finished / 'results.json').read_text())[1]['choices']
    meta = checkpoint_types.load(finished / 'step_1/iter_2.pth')['meta']['incremental']['choices']
    assert meta == entry
    assert entry['preset'] == 'official' and entry['freeze_norm'] is True
    assert entry['parameter_groups'] == {'decode_head': {'lr_mult': 10.0}}


def test_checkpoint_chosen_on_a_validation_set_is_warned_of(tiny, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr('mmseg_dkd.runs.run.print_log', lambda text, **_: said.append(text))
    cfg = tiny()
    cfg.default_hooks.checkpoint.save_best = 'mIoU'
    run = Run(cfg, tmp_path)
    run.check = lambda steps: (_ for _ in ()).throw(RuntimeError('enough'))
    with pytest.raises(RuntimeError, match='enough'):
        run.run([0])
    assert "save_best='mIoU'" in said[0]
    assert choices_of(step_config(cfg, 0))['save_best'] == 'mIoU'
