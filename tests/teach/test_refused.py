"""What cannot be taught is said before anything is trained, and nothing is left."""

import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from mmseg_dkd.cli.main import main
from mmseg_dkd.utils import checkpoint_types
from tests.teach.command import QUICK, teach


def test_without_a_background_none_is_learned_anew(stock, folders, tmp_path):
    with pytest.raises(SystemExit, match='has no background, so its softmax compares'):
        teach('dress', '--refresh', '--keep', 'learned', '--model', *stock['bare'],
              '--data', folders / 'dress', '--out', tmp_path / 'out')  # fmt: skip
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('classes', 'changes', 'message'),
    [
        (['dress'], {}, "'dress' is a class of .*stock.pth already.*--refresh --keep learned"),
        (['background'], {}, "'background' is no class that can be taught"),
        (['dress'], dict(refresh=None), '--keep exact changes none: give --keep learned'),
        (['hat'], dict(refresh=None), "has no class 'hat', it has t-shirt, trouser"),
        (
            ['dress'],
            dict(refresh=None, keep='learned', method='MiBHead'),
            'MiBHead learns no class anew',
        ),
        (['sandal', 'sandal'], {}, 'several classes have the name'),
        (['hat'], dict(data='sneaker', masks=0), "'hat' is in no image"),
        (['sandal'], dict(data='nowhere'), 'nowhere: no such file or folder'),
        (['sandal'], dict(labels='nowhere.json'), 'nowhere.json: no such file or folder'),
        (['sandal'], dict(method='DKDHead'), '--method DKDHead with --keep exact: ExactHead'),
        (['sandal'], dict(budget='0.0001'), '--budget 0.0001: an iteration takes'),
    ],
)
def test_what_cannot_be_taught_is_said_before_and_nothing_is_left(
    classes, changes, message, stock, folders, tmp_path
):
    data = folders / changes.pop('data', 'sandal')
    if 'masks' in changes:
        data = shutil.copytree(data, tmp_path / 'data')
        for path in (data / 'masks').iterdir():
            empty = np.full((64, 64), changes['masks'], np.uint8)
            Image.fromarray(empty).save(path)
        del changes['masks']
    options = [
        text for key, value in changes.items() for text in (f'--{key}', value) if text is not None
    ]
    iterations = [] if 'budget' in changes else QUICK[:2]
    with pytest.raises(SystemExit, match=message):
        main(
            ['teach', *classes, '--model', *map(str, stock['background']), '--data', str(data)]
            + ['--out', str(tmp_path / 'out'), *QUICK[2:], *iterations, *options]
        )
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(type='CascadeEncoderDecoder'), 'the model is a CascadeEncoderDecoder'),
        (dict(decode_head=dict(type='OCRHead')), 'OCRHead cannot be incremental'),
        (dict(decode_head=dict(loss_decode=dict(use_sigmoid=True))), 'use_sigmoid=True'),
        (dict(decode_head=dict(channels=16)), 'does not fit'),
        (dict(backbone=dict(widen_factor=0.5)), 'does not fit'),
    ],
)
def test_models_that_cannot_be_taught_are_told(change, message, stock, folders, tmp_path):
    config, checkpoint = stock['background']
    cfg = Config.fromfile(config)
    cfg.merge_from_dict(dict(model=change))
    cfg.dump(tmp_path / 'other.py')
    with pytest.raises(SystemExit, match=message):
        teach('sandal', '--model', tmp_path / 'other.py', checkpoint, '--data', folders / 'sandal',
              '--out', tmp_path / 'out')  # fmt: skip
    assert not (tmp_path / 'out').exists()


def test_a_softmax_over_one_channel_is_refused(stock, folders, tmp_path):
    config, checkpoint = stock['background']
    loaded = checkpoint_types.load(checkpoint)
    for part in ('weight', 'bias'):
        key = f'decode_head.conv_seg.{part}'
        loaded['state_dict'][key] = loaded['state_dict'][key][:1]
    loaded['meta']['dataset_meta'] = dict(classes=['defect'], palette=[[0, 0, 0]])
    torch.save(loaded, tmp_path / 'one.pth')
    with pytest.raises(SystemExit, match='a softmax over one channel says the same of every'):
        teach('sandal', '--model', config, tmp_path / 'one.pth', '--data', folders / 'sandal',
              '--out', tmp_path / 'out')  # fmt: skip


def test_a_disk_without_room_is_told_before(stock, folders, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: SimpleNamespace(free=1000))
    with pytest.raises(SystemExit, match='0.0 GB are free, .* GB are needed: make room'):
        teach('sandal', '--model', *stock['background'], '--data', folders / 'sandal',
              '--out', tmp_path / 'out')  # fmt: skip
    assert not (tmp_path / 'out').exists()


def test_a_reader_of_labels_that_is_not_installed_is_named(stock, folders, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pycocotools', None)
    with pytest.raises(SystemExit, match=r"pip install 'mmseg_dkd\[data\]'"):
        teach('sandal', '--model', *stock['background'], '--data', folders / 'sandal',
              '--out', tmp_path / 'out')  # fmt: skip
