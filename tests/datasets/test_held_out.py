"""The fifth of the training images that hyper-parameters are chosen on."""

import hashlib
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_dkd.datasets.demo.scenes import write_voc_like
from mmseg_dkd.datasets.step_dataset import _is_held
from mmseg_dkd.engine.resolve import step_config
from tests.tiny import REPOSITORY


@pytest.fixture(scope='module')
def cfg(tmp_path_factory):
    init_default_scope('mmseg')
    root = tmp_path_factory.mktemp('voc') / 'VOC2012'
    write_voc_like(root, train=60, size=(96, 112))
    cfg = Config.fromfile(REPOSITORY / 'configs/dkd/voc_15-5_tune.py')
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        for part in loader.dataset.dataset.datasets:
            part.data_root = str(root)
    cfg.data_root = str(root)
    return step_config(cfg, 0)


def test_config_trains_on_one_part_and_tests_on_the_other(cfg):
    fit, held = (DATASETS.build(x.dataset) for x in (cfg.train_dataloader, cfg.test_dataloader))
    whole = DATASETS.build(dict(cfg.train_dataloader.dataset, part=None))
    assert sorted([*fit.names, *held.names]) == sorted(whole.names)
    assert not set(fit.names) & set(held.names) and fit.names and held.names
    assert held.test_mode and not fit.test_mode
    lists = Path(cfg.data_root, 'ImageSets/Segmentation')
    training = {x for n in ('train', 'aug') for x in (lists / f'{n}.txt').read_text().split()}
    assert {Path(name).stem for name in held.names} <= training


def test_the_parts_depend_on_names_alone():
    names = [f'JPEGImages/{i:06d}.jpg' for i in range(10_000)]
    assert abs(sum(map(_is_held, names)) / 10_000 - 0.2) < 0.02
    digest = hashlib.sha256(b'2007_000032').hexdigest()
    assert _is_held('any/folder/2007_000032.jpg') == (int(digest, 16) % 5 == 0)


def test_unknown_part_is_refused(cfg):
    with pytest.raises(ValueError, match="part must be 'fit', 'held' or None, got 'val'"):
        DATASETS.build(dict(cfg.train_dataloader.dataset, part='val'))
