"""Checkpoints of the authors' program, there and back."""

import copy
import json
import re

import pytest
import torch
from mmengine.config import Config, ConfigDict

from mmseg_dkd import Scenario
from mmseg_dkd.cli.convert_official import convert, expected_state
from mmseg_dkd.cli.main import main
from mmseg_dkd.engine import hand_over
from mmseg_dkd.utils import checkpoint_types
from tests.oracle import ORACLE
from tests.tiny import REPOSITORY


@pytest.fixture(scope='module')
def cfg():
    return Config.fromfile(REPOSITORY / 'configs/dkd/voc_15-1.py')


@pytest.fixture(scope='module')
def released():
    """A state dict as released, of step 2 of 15-1: one number in every tensor, no memory."""
    shapes = json.loads((ORACLE / 'official_state_dict.json').read_text())
    return {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}


def saved(state, path):
    torch.save(dict(state_dict=state), path)
    return path


def test_converted_checkpoint_says_whose_it_is_and_goes_back(cfg, released, tmp_path):
    converted = convert(saved(released, tmp_path / 'released.pth'), cfg, reverse=False)
    hand_over.check(converted, Scenario('15-1', 20), 2, 'the converted checkpoint')
    torch.save(converted, tmp_path / 'ours.pth')
    assert hand_over.load(tmp_path / 'ours.pth', Scenario('15-1', 20), 2)
    back = convert(tmp_path / 'ours.pth', cfg, reverse=True)['state_dict']
    assert {k: v.shape for k, v in back.items()} == {k: v.shape for k, v in released.items()}


@pytest.mark.parametrize(
    'damage, words',
    [
        (lambda s: s.pop('cls.0.bias'), 'missing: decode_head.conv_seg.auxiliary.bias'),
        (lambda s: s.update({'neck.weight': torch.zeros(1)}), 'neck.weight'),
        (lambda s: s.update({'cls.2.bias': torch.zeros(7)}), '(7,) instead of (1,)'),
        (
            lambda s: s.update({'backbone.layer4.9.conv1.weight': torch.zeros(1)}),
            'surplus: backbone.layer4.9.conv1.weight',
        ),
    ],
)
def test_what_does_not_fit_is_listed_and_refused(damage, words, cfg, released, tmp_path):
    state = dict(released)
    damage(state)
    with pytest.raises(ValueError, match=re.escape(words)):
        convert(saved(state, tmp_path / 'released.pth'), cfg, reverse=False)


def test_auxiliary_head_has_no_official_name(cfg, released, tmp_path):
    cfg = copy.deepcopy(cfg)
    head = dict(base_type='FCNHead', in_channels=1024, in_index=2, channels=8)
    cfg.model.auxiliary_head = ConfigDict(cfg.model.decode_head, **head)
    cfg.model.auxiliary_head.pop('dilations')
    path = saved(released, tmp_path / 'released.pth')
    with pytest.raises(
        ValueError, match='does not fit step 2 .*\n.*missing: auxiliary_head.conv_seg'
    ):
        convert(path, cfg, reverse=False)
    meta = {hand_over.META: hand_over.describe(Scenario('15-1', 20), 2)}
    state = expected_state(cfg, 2)
    torch.save(dict(state_dict=state, meta=meta), tmp_path / 'ours.pth')
    with pytest.raises(
        ValueError, match='are not of the official network: auxiliary_head.conv_seg'
    ):
        convert(tmp_path / 'ours.pth', cfg, reverse=True)


def test_another_scenario_is_refused(released, tmp_path):
    cfg = Config.fromfile(REPOSITORY / 'configs/dkd/voc_10-1.py')
    with pytest.raises(ValueError, match=r'\(15, 256, 1, 1\) instead of \(10, 256, 1, 1\)'):
        convert(saved(released, tmp_path / 'released.pth'), cfg, reverse=False)


def test_no_checkpoint_at_all_is_refused(cfg, tmp_path):
    torch.save(dict(weights=1), tmp_path / 'other.pth')
    with pytest.raises(ValueError, match="has no 'state_dict'"):
        convert(tmp_path / 'other.pth', cfg, reverse=False)
    assert checkpoint_types.load(tmp_path / 'other.pth') == dict(weights=1)


def test_command_writes_the_checkpoint_and_its_config_and_goes_back(released, tmp_path, capsys):
    # Every tensor shares one number, so that the file is small.
    source, ours, back = (tmp_path / f'{name}.pth' for name in ('released', 'ours', 'back'))
    saved(released, source)
    config = str(REPOSITORY / 'configs/dkd/voc_15-1.py')
    main(['convert-official', str(source), str(ours), '--config', config])
    assert f'{len(released)} parameters' in capsys.readouterr().out
    assert Config.fromfile(ours.with_suffix('.py')).step == 2
    main(['convert-official', str(ours), str(back), '--config', config, '--reverse'])
    assert checkpoint_types.load(back)['state_dict'].keys() == released.keys()
    assert not back.with_suffix('.py').exists()
