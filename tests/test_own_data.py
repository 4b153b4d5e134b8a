"""docs/own_data.md, from end to end: its configs, on folders that label one new class each."""

import ast
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from mmseg_dkd import Scenario, checkpoint_types
from mmseg_dkd.engine import Sequence, hand_over
from tests.tiny import REPOSITORY

PAGE = (REPOSITORY / 'docs/own_data.md').read_text()
BASE, *EDITS = re.findall(r'```python\n(.*?)```', PAGE, re.S)
# Values in the masks of each folder, and the labels that they stand for when all is learned.
VALUES = {
    'first': {0: 0, 1: 1, 2: 2, 3: 3, 255: 255},
    'forklift': {0: 0, 1: 4, 255: 255},
    'pallet': {0: 0, 255: 5},
}
NAMES = ('background', 'person', 'shelf', 'box', 'forklift', 'pallet')


@pytest.fixture(scope='module')
def warehouse(tmp_path_factory) -> Path:
    """Three folders of 20 images of 32 x 32; each mask has all values of its folder."""
    root = tmp_path_factory.mktemp('data') / 'warehouse'
    rng = np.random.default_rng(0)
    for folder, meaning in VALUES.items():
        for kind in ('images', 'masks'):
            (root / folder / kind).mkdir(parents=True)
        for number in range(20):
            blocks = rng.permutation(np.resize(list(meaning), 16)).reshape(4, 4)
            mask = np.kron(blocks, np.ones((8, 8))).astype(np.uint8)
            Image.fromarray(mask).save(root / folder / f'masks/scene_{number}.png')
            image = np.stack([mask * 60 + 7] * 3, axis=2)
            Image.fromarray(image).save(root / folder / f'images/scene_{number}.jpg')
    return root


def edited(text: str, edit: str) -> str:
    """A config with the assignments of the edit in place of its own."""
    new = {node.targets[0].id: ast.get_source_segment(edit, node) for node in ast.parse(edit).body}
    for node in ast.parse(text).body:
        name = node.targets[0].id
        if name in new:
            text = text.replace(ast.get_source_segment(text, node), new.pop(name))
    assert not new
    return text


@pytest.fixture
def page(warehouse, tmp_path, tiny, monkeypatch):
    """Make the config of the page, with one of its edits or another, as small as a test needs."""
    # Laying out a config with paths longer than a line takes mmengine seconds each time.
    monkeypatch.setattr('yapf.yapflib.yapf_api.FormatCode', lambda text, **_: (text, True))
    (tmp_path / 'configs/mine').mkdir(parents=True)
    (tmp_path / 'configs/_base_').symlink_to(REPOSITORY / 'configs/_base_')

    def make(edit: str = '', root: Path = warehouse) -> Config:
        text = edited(BASE, edit).replace("'data/warehouse'", repr(str(root)))
        text = text.replace('(512, 512)', '(32, 32)').replace('(2048, 512)', '(32, 32)')
        file = tmp_path / 'configs/mine/warehouse.py'
        file.write_text(text)
        cfg = Config.fromfile(file)
        init_default_scope('mmseg')
        cfg.model.backbone = tiny().model.backbone
        cfg.model.decode_head.update(
            in_channels=80, channels=8, dilations=(1, 2), norm_cfg=dict(type='BN')
        )
        cfg.optim_wrapper.type = 'OptimWrapper'
        cfg.train_cfg.max_epochs = cfg.param_scheduler[0].end = 1
        for loader in (cfg.train_dataloader, cfg.test_dataloader):
            loader.update(num_workers=0, persistent_workers=False)
        cfg.train_dataloader.batch_size = 5
        return cfg

    return make


def scores_of(folder: Path) -> list[dict]:
    return json.loads((folder / 'results.json').read_text())


def test_a_run_grows_twice_and_the_old_images_may_be_gone(page, warehouse, tmp_path):
    root, run = tmp_path / 'warehouse', tmp_path / 'run'
    shutil.copytree(warehouse, root)
    Sequence(page(root=root), run).run([0])
    written = (run / 'step_0/epoch_1.pth').stat().st_mtime_ns
    figures = scores_of(run)[0]
    Sequence(page(EDITS[0], root), run).run([0, 1], resume=True)
    with_all = edited(EDITS[0], EDITS[1].split('folders')[0]).replace(
        '\n)', '\n    pallet=dict(background=0, pallet=255),\n)'
    )
    assert Sequence(page(with_all, root), run).ahead([0, 1, 2], resume=True) == [2]

    shutil.rmtree(root / 'first')
    with pytest.raises(ValueError, match='step_0 was trained by another recipe .*--steps'):
        Sequence(page(EDITS[1], root), run).run([0, 1, 2], resume=True)
    cfg = page(EDITS[1], root)
    results = Sequence(cfg, run).run([2])
    assert (run / 'step_0/epoch_1.pth').stat().st_mtime_ns == written
    assert results[0] == figures
    assert [len(entry['per_class_iou']) for entry in results] == [4, 5, 6]
    assert tuple(results[2]['per_class_iou']) == NAMES
    assert [entry['step'] for entry in results] == [0, 1, 2]
    assert list(json.loads((run / 'manifest.json').read_text())['steps']) == ['0', '1', '2']
    last = hand_over.load(run / 'step_2/epoch_1.pth', Scenario(**cfg.scenario), 2)
    assert last['meta']['dataset_meta']['classes'] == NAMES
    sizes = [len(last['state_dict'][f'decode_head.conv_seg.steps.{t}.bias']) for t in range(3)]
    assert sizes == [3, 1, 1]
    before = checkpoint_types.load(run / 'step_1/epoch_1.pth')['state_dict']
    assert set(last['state_dict']) - set(before) == {
        f'decode_head.conv_seg.steps.2.{kind}' for kind in ('weight', 'bias')
    }
