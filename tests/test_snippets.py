"""Snippets of README and docs: the config of docs/your_model.md is whole, the others are Python."""

import re
import tempfile
from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.preflight import problems_of
from tests.tiny import REPOSITORY

PAGES = [REPOSITORY / 'README.md', *sorted((REPOSITORY / 'docs').glob('*.md'))]
PYTHON = re.compile(r'^```python\n(.*?)^```', re.M | re.S)
SNIPPETS = [(page.name, text) for page in PAGES for text in PYTHON.findall(page.read_text())]


@pytest.fixture
def own() -> Config:
    """The config of docs/your_model.md, as a user would save it."""
    (text,) = (text for name, text in SNIPPETS if name == 'your_model.md')
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, 'own.py')
        file.write_text(text)
        return Config.fromfile(file)


@pytest.mark.parametrize(('page', 'text'), SNIPPETS, ids=lambda value: value[:40])
def test_snippet_is_python(page, text):
    compile(text, page, 'exec')


@pytest.mark.parametrize('step', range(6))
def test_own_config_has_no_fault_at_any_step(own, step):
    resolved = step_config(own, step)
    assert problems_of(resolved) == []
    assert resolved.train_cfg.max_iters == (4000 if step else 20000)


def test_own_config_trains_every_step(own, scenes, tmp_path):
    """On the demo set and with a narrow network, but otherwise as it stands."""
    own.scenario = dict(name='4-2', num_classes=8)
    own.model.backbone.update(depth=18, base_channels=8, init_cfg=None)
    own.model.backbone.norm_cfg = own.model.decode_head.norm_cfg = dict(type='BN')
    own.model.data_preprocessor.size = (64, 64)
    own.model.decode_head.update(in_channels=64, channels=8, num_classes=9)
    for loader, images in ((own.train_dataloader, 'train'), (own.test_dataloader, 'val')):
        loader.update(
            num_workers=0, persistent_workers=False, batch_size=loader.batch_size // 2 or 1
        )
        loader.dataset.dataset = dict(
            type='FashionDataset',
            data_root=str(scenes),
            data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
            ann_file=f'ImageSets/Segmentation/{images}.txt',
            pipeline=loader.dataset.dataset.pipeline,
        )
    for transform in own.train_dataloader.dataset.dataset.pipeline:
        if transform.type in ('RandomResize', 'RandomCrop'):
            transform.update({k: (64, 64) for k in ('scale', 'crop_size') if k in transform})
    own.train_cfg.max_iters = own.later_steps.train_cfg.max_iters = 1
    results = Run(own, tmp_path).run([0, 1, 2])
    assert [len(entry['per_class_iou']) for entry in results] == [5, 7, 9]
