"""Saliency maps: where they mark labels, and what is said when one is missing."""

import copy
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from PIL import Image

from mmseg_dkd.datasets.demo.scenes import write_voc_like
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.methods.ssul import LoadSaliency
from mmseg_dkd.runs import Run
from tests.configs.names import load


@pytest.fixture(autouse=True)
def mmseg_alone():
    init_default_scope('mmseg')


@pytest.fixture(scope='module')
def maps(scenes, tmp_path_factory) -> Path:
    """Of every training scene: its left half is salient, the right one nearly."""
    folder = tmp_path_factory.mktemp('saliency')
    grey = np.full((64, 64), 127, np.uint8)
    grey[:, :32] = 128
    for image in (scenes / 'JPEGImages').iterdir():
        Image.fromarray(grey).save(folder / f'{image.stem}.png')
    return folder


def with_maps(cfg: Config, folder: Path) -> Config:
    cfg.model.decode_head.unknown = 'salient'
    saliency = dict(type='LoadSaliency', folder=str(folder))
    pipeline = cfg.train_dataloader.dataset.dataset.pipeline
    cfg.train_dataloader.dataset.pipeline = [*pipeline[:2], saliency, *pipeline[2:]]
    return cfg


@pytest.mark.parametrize('step', [0, 1])
def test_salient_pixels_without_a_label_are_marked(step, tiny, maps):
    plain_cfg, cfg = tiny('ssul/fashion_4-2.py'), with_maps(tiny('ssul/fashion_4-2.py'), maps)
    geometry = cfg.train_dataloader.dataset.pipeline[3:-1]
    del cfg.train_dataloader.dataset.pipeline[3:-1]
    plain_cfg.train_dataloader.dataset.dataset.pipeline = cfg.test_pipeline
    plain, marked = (
        DATASETS.build(step_config(c, step).train_dataloader.dataset) for c in (plain_cfg, cfg)
    )
    for index in range(len(plain)):
        label = plain[index]['data_samples'].gt_sem_seg.data[0]
        salient = torch.zeros_like(label, dtype=torch.bool)
        salient[:, :32] = True
        expected = torch.where((label == 0) & salient, 254, label)
        assert torch.equal(marked[index]['data_samples'].gt_sem_seg.data[0], expected)
    cfg.train_dataloader.dataset.pipeline[3:3] = geometry
    moved = DATASETS.build(step_config(cfg, step).train_dataloader.dataset)
    found = {int(v) for i in range(4) for v in moved[i]['data_samples'].gt_sem_seg.data.unique()}
    assert {0, 254} < found <= {0, 254, 255, *range(1 + 4 * (step > 0), 5 + 2 * step)}


def test_threshold_is_the_last_value_that_is_not_salient(tmp_path):
    Image.fromarray(np.uint8([[0, 1, 9, 10, 255]])).save(tmp_path / 'a.png')
    results = dict(img_path='images/a.jpg', gt_seg_map=np.uint8([[0, 0, 0, 0, 3]]))
    label = LoadSaliency(str(tmp_path), threshold=9).transform(results)['gt_seg_map']
    assert label.tolist() == [[0, 0, 0, 254, 3]] and label.dtype == np.uint8


def test_map_of_another_size_is_refused(tmp_path):
    Image.new('L', (3, 2)).save(tmp_path / 'a.png')
    with pytest.raises(
        ValueError, match=r'a.png is \(2, 3\), but the labels of a.jpg are \(2, 4\)'
    ):
        LoadSaliency(str(tmp_path)).transform(
            dict(img_path='a.jpg', gt_seg_map=np.zeros((2, 4), np.uint8))
        )


def test_missing_folder_is_named_with_the_remedy(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere: no folder of saliency maps.*unlabelled'):
        LoadSaliency(str(tmp_path / 'nowhere'))


def test_missing_map_is_named_before_training(tiny, maps, scenes, tmp_path):
    folder = tmp_path / 'maps'
    shutil.copytree(maps, folder)
    lost = (scenes / 'ImageSets/Segmentation/train.txt').read_text().split()[-1]
    (folder / f'{lost}.png').unlink()
    with pytest.raises(
        FileNotFoundError, match=f'{lost}.jpg has no saliency map {lost}.*unlabelled'
    ):
        Run(with_maps(tiny('ssul/fashion_4-2.py'), folder), tmp_path / 'run').run([0])
    assert not list((tmp_path / 'run').rglob('*.pth'))


def test_salient_unknown_without_maps_is_refused(tiny, tmp_path):
    cfg = tiny('ssul/fashion_4-2.py')
    cfg.model.decode_head.unknown = 'salient'
    with pytest.raises(ValueError, match="no dict\\(type='LoadSaliency'"):
        Run(cfg, tmp_path).run([0])


@pytest.mark.usefixtures('undrawn')
def test_a_run_with_maps(tiny, maps, tmp_path):
    (result,) = Run(with_maps(tiny('ssul/fashion_4-2.py'), maps), tmp_path).run([0])
    assert result['choices']['unknown'] == 'salient'


def test_voc_reads_maps_in_both_of_its_parts_or_does_without(tmp_path):
    root = tmp_path / 'VOC2012'
    write_voc_like(root, train=60, size=(96, 128))
    (tmp_path / 'maps').mkdir()
    for image in (root / 'JPEGImages').iterdir():
        Image.new('L', Image.open(image).size, 1).save(tmp_path / 'maps' / f'{image.stem}.png')
    cfg = copy.deepcopy(load('ssul/voc_15-5.py'))
    for part in cfg.train_dataloader.dataset.dataset.datasets:
        part.data_root = str(root)
    with pytest.raises(FileNotFoundError, match='VOC2012/saliency_map: no folder'):
        DATASETS.build(step_config(cfg, 0).train_dataloader.dataset)
    cfg.train_dataloader.dataset.pipeline[2].folder = str(tmp_path / 'maps')
    train = DATASETS.build(step_config(cfg, 0).train_dataloader.dataset)
    parts = train.dataset.datasets
    assert len(parts) == 2 and all(len(part) for part in parts)
    for index in range(len(train)):
        label = train[index]['data_samples'].gt_sem_seg.data
        assert 0 not in label and label.shape == (1, 512, 512)
    # What the error proposes.
    options = {'model.decode_head.unknown': 'unlabelled', 'train_dataloader.dataset.pipeline': None}
    cfg.merge_from_dict(options)
    train = DATASETS.build(step_config(cfg, 0).train_dataloader.dataset)
    assert 254 not in train[0]['data_samples'].gt_sem_seg.data
