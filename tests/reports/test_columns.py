"""Which configs are a row, and which a column."""

import copy
from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_dkd.reports.columns import columns_of
from mmseg_dkd.runs import Run
from tests.tiny import REPOSITORY


@pytest.fixture
def run(tmp_path):
    """Two runs, with nothing in their folders, of a config at a path."""

    def make(path: str, change=lambda cfg: None) -> dict[Path, list[Run]]:
        file = REPOSITORY / 'configs' / path
        cfg = Config.fromfile(file)
        change(cfg)
        return {file: [Run(copy.deepcopy(cfg), tmp_path / path / f'{k}') for k in (0, 1)]}

    return make


def shape(configs: dict) -> dict[str, list[str]]:
    return {column.title: list(column.rows) for column in columns_of(configs)}


def test_folders_are_methods_and_file_names_are_scenarios(run):
    paths = [f'{m}/fashion_{s}.py' for m in ('finetune', 'mib', 'dkd') for s in ('4-2', '4-1')]
    configs = {}
    for path in [*paths, 'joint/fashion.py']:
        configs |= run(path)
    methods = ['finetune', 'mib', 'dkd', 'joint']
    assert shape(configs) == {'fashion_4-2': methods, 'fashion_4-1': methods}
    for column in columns_of(configs):
        name = column.title.removeprefix('fashion_')
        assert [scenario.name for scenario in column.scenarios] == [name] * 2
        scenarios = {m: [run.scenario.name for run in runs] for m, runs in column.rows.items()}
        expected = dict.fromkeys(methods[:3], [name] * 2)
        assert scenarios == dict(expected, joint=['joint'] * 2)


def test_the_scenario_is_what_the_config_says_not_what_its_name_says(run):
    def shorter(cfg):
        cfg.scenario.name = '4-1'

    same = {**run('kd/fashion_4-2.py', shorter), **run('dkd/fashion_4-1.py')}
    assert shape(same) == {'fashion_4-2': ['kd', 'dkd (fashion_4-1)']}

    def disjoint(cfg):
        cfg.scenario.setting = 'disjoint'

    other = {**run('dkd/fashion_4-1.py'), **run('kd/fashion_4-2.py', disjoint)}
    assert shape(other) == {'fashion_4-1': ['dkd'], 'fashion_4-2': ['kd']}


def test_networks_of_one_method_are_rows(run):
    configs = {
        **run('dkd/fashion_4-2_segformer.py'), **run('dkd/fashion_4-2.py'),
        **run('kd/fashion_4-2.py'),
    }  # fmt: skip
    assert shape(configs) == {'fashion_4-2': ['dkd (segformer)', 'dkd', 'kd']}


def test_a_method_need_not_be_in_every_scenario(run):
    configs = {**run('kd/fashion_4-2.py'), **run('dkd/fashion_4-1.py'), **run('joint/fashion.py')}
    assert shape(configs) == {'fashion_4-2': ['kd', 'joint'], 'fashion_4-1': ['dkd', 'joint']}


def test_joint_training_alone_is_a_column_and_counts_for_its_own_data_only(run):
    assert shape(run('joint/fashion.py')) == {'fashion': ['joint']}
    configs = {**run('dkd/voc_15-5.py'), **run('joint/fashion.py'), **run('joint/voc_all.py')}
    assert shape(configs) == {'voc_15-5': ['dkd', 'joint'], 'fashion': ['joint']}


def test_other_test_images_are_another_column(run):
    def held_out(cfg):
        cfg.test_dataloader.dataset.dataset.ann_file = 'held_out.txt'

    configs = {**run('kd/fashion_4-2.py'), **run('dkd/fashion_4-2.py', held_out)}
    with pytest.raises(ValueError, match="two scenarios would be the column 'fashion_4-2'"):
        columns_of(configs)


def test_two_configs_of_one_name_are_refused(run):
    def joint(cfg):
        cfg.scenario = dict(name='joint', num_classes=8)

    configs = {**run('dkd/fashion_4-2.py'), **run('dkd/fashion_4-1.py', joint)}
    with pytest.raises(ValueError, match="would be the row 'dkd' of fashion_4-2: .*fashion_4-1.py"):
        columns_of(configs)
