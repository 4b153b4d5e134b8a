"""A released step 0 of 15-5 on the real network: converted, tested by mmseg, trained further."""

import json
import sys

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mmseg_dkd import Scenario
from mmseg_dkd.datasets.demo.scenes import write_voc_like
from mmseg_dkd.engine import hand_over
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.utils import checkpoint_types
from tests.tiny import REPOSITORY
from tests.tools.test_tools import STOCK_TEST, run

BASE = REPOSITORY / 'configs/dkd/voc_15-5.py'
DERIVED = f"""
_base_ = '{BASE}'
data_preprocessor = dict(size=(64, 64))
model = dict(data_preprocessor=data_preprocessor)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomAreaCrop', size=(64, 64), scale=(0.5, 2.0)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        dataset=dict(
            _delete_=True,
            type='PascalVOCDataset',
            data_root='{{root}}',
            data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClassAug'),
            ann_file='ImageSets/Segmentation/few.txt',
            pipeline=train_pipeline)))
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(96, 96), keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
test_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(pipeline=test_pipeline, dataset=dict(data_root='{{root}}')))
optim_wrapper = dict(type='OptimWrapper')
train_cfg = dict(max_epochs=1)
default_hooks = dict(checkpoint=dict(interval=1), logger=dict(interval=1))
"""


def done(*command) -> str:
    """What a command that must succeed prints."""
    finished = run(*command)
    assert finished.returncode == 0, finished.stderr[-3000:]
    return finished.stdout


@pytest.fixture
def config(tmp_path):
    """15-5 with the network as it is, on 12 images of 96 x 96 to train on and 20 to test on."""
    root = tmp_path / 'VOC2012'
    write_voc_like(root, size=(96, 96))
    lists = root / 'ImageSets/Segmentation'
    names = (lists / 'trainaug.txt').read_text().splitlines()
    (lists / 'few.txt').write_text('\n'.join(names[:12]))
    path = tmp_path / 'voc_15-5.py'
    path.write_text(DERIVED.format(root=root))
    return path


@pytest.fixture
def trained():
    """What step 0 might have learned, by our names."""
    init_default_scope('mmseg')
    torch.manual_seed(0)
    cfg = step_config(Config.fromfile(BASE), 0).model
    state = MODELS.build(cfg).state_dict()
    for name, tensor in state.items():
        if name.endswith('running_mean'):
            tensor.normal_(std=0.01)
    return state


@pytest.mark.slow
def test_a_released_step_0_is_converted_tested_and_trained_further(config, trained, tmp_path):
    meta = {hand_over.META: hand_over.describe(Scenario('15-5', 20), 0)}
    torch.save(dict(meta=meta, state_dict=trained), tmp_path / 'ours.pth')
    tool = [sys.executable, 'tools/convert_official.py']
    released, work_dir = tmp_path / 'released.pth', tmp_path / 'run'
    done(*tool, tmp_path / 'ours.pth', released, '--config', BASE, '--reverse')
    state = checkpoint_types.load(released)['state_dict']
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items() if 'cls.' in name}
    assert shapes == {
        'cls.0.weight': (1, 256, 1, 1),
        'cls.0.bias': (1,),
        'cls.1.weight': (15, 256, 1, 1),
        'cls.1.bias': (15,),
    }
    checkpoint = work_dir / 'step_0/epoch_1.pth'
    assert f'{len(trained)} parameters' in done(*tool, released, checkpoint, '--config', config)
    converted = checkpoint_types.load(checkpoint)['state_dict']
    assert converted.keys() == trained.keys()
    assert all(torch.equal(converted[name], tensor) for name, tensor in trained.items())

    step_0 = checkpoint.with_suffix('.py')
    done(sys.executable, STOCK_TEST, step_0, checkpoint, '--work-dir', tmp_path / 'test')
    (metrics,) = (json.loads(f.read_text()) for f in (tmp_path / 'test').glob('*/*.json'))
    assert 0 <= metrics['mIoU'] <= 100

    train = [sys.executable, 'tools/incremental_train.py', config, '--work-dir', work_dir]
    done(*train, '--steps', '1')
    (entry,) = json.loads((work_dir / 'results.json').read_text())
    assert entry['step'] == 1 and len(entry['per_class_iou']) == 21
    after = checkpoint_types.load(work_dir / 'step_1/epoch_1.pth')['state_dict']
    assert after['decode_head.conv_seg.steps.1.weight'].shape[0] == 5
    frozen = [name for name in trained if name.endswith('running_mean')]
    assert len(frozen) > 100
    for name in frozen:
        assert torch.equal(after[name], trained[name]), f'step 1 started from another {name}'
    name = 'decode_head.conv_seg.steps.0.weight'
    assert after[name].isfinite().all() and not torch.equal(after[name], trained[name])
    torch.testing.assert_close(after[name], trained[name], rtol=0, atol=0.05)
