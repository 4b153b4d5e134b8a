"""Small data sets for tests of StepDataset."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from PIL import Image

from mmseg_dkd.datasets.demo.scenes import write_fashion_voc, write_voc_like


@pytest.fixture(scope='module')
def default_scope():
    # As the runner does: pipelines are built in mmengine, their transforms are mmseg's.
    init_default_scope('mmseg')


@pytest.fixture(scope='session')
def voc(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('step') / 'voc'
    write_voc_like(root, size=(96, 112))
    return root


@pytest.fixture(scope='session')
def fashion(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('step') / 'fashion'
    write_fashion_voc(root, train=20, val=8, size=32)
    return root


@pytest.fixture(scope='session')
def bare(tmp_path_factory) -> Path:
    """Five images of 4 classes without background: 0 is unlabelled, as in ADE20K."""
    root = tmp_path_factory.mktemp('step') / 'bare'
    for name in ('images', 'masks'):
        (root / name).mkdir(parents=True)
    rows = [[1, 1, 3, 0], [2, 2, 2, 2], [4, 0, 0, 4], [1, 2, 3, 4], [0, 0, 0, 0]]
    for number, row in enumerate(rows):
        mask = np.repeat(np.array([row], np.uint8), 3, axis=0)
        Image.fromarray(mask).save(root / 'masks' / f'{number}.png')
        Image.fromarray(np.stack([mask * 50] * 3, axis=2)).save(root / 'images' / f'{number}.jpg')
    return root
