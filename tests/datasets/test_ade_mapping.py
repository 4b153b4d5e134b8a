"""ADE20K by hand: raw 0 is unlabelled, raw c is class id c, and 0-based labels are nobody's ids."""

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from PIL import Image

import mmseg_dkd  # noqa: F401

# What annotation files hold: 0 unlabelled, 1 wall, 2 building, ..., 150 flag.
RAW = dict(
    a=[[0, 1, 1], [2, 2, 0]],
    b=[[100, 100, 101], [0, 0, 101]],
    c=[[150, 150, 150], [1, 0, 150]],
    d=[[0, 0, 0], [0, 0, 0]],
    e=[[50, 51, 99], [100, 102, 149]],
)
SCENARIO = dict(name='100-50', num_classes=150, has_background=False)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('ade')
    for folder in ('images/training', 'annotations/training'):
        (root / folder).mkdir(parents=True)
    for name, rows in RAW.items():
        Image.fromarray(np.uint8(rows)).save(root / f'annotations/training/{name}.png')
        Image.fromarray(np.zeros((2, 3, 3), np.uint8)).save(root / f'images/training/{name}.jpg')
    return root


def labels(root, **options):
    """Name of every image of the step to its labels, as they reach losses or metrics."""
    init_default_scope('mmseg')
    dataset = DATASETS.build(
        dict(
            type='StepDataset',
            dataset=dict(
                type='ADE20KDataset',
                data_root=str(root),
                data_prefix=dict(img_path='images/training', seg_map_path='annotations/training'),
                pipeline=[
                    dict(type='LoadImageFromFile'),
                    dict(type='LoadAnnotations', reduce_zero_label=True),
                    dict(type='PackSegInputs'),
                ],
            ),
            **{'scenario': SCENARIO, **options},
        )
    )
    samples = (dataset[i]['data_samples'] for i in range(len(dataset)))
    found = {s.img_path[-5]: s.gt_sem_seg.data[0].tolist() for s in samples}
    return found, dataset.metainfo['classes']


def test_step_0_learns_raw_1_to_100_under_their_own_numbers(root):
    found, names = labels(root, step=0)
    assert found == dict(
        a=[[0, 1, 1], [2, 2, 0]],
        b=[[100, 100, 0], [0, 0, 0]],
        c=[[0, 0, 0], [1, 0, 0]],
        e=[[50, 51, 99], [100, 0, 0]],
    )
    assert names[:3] == ('unlabelled', 'wall', 'building') and len(names) == 101


def test_step_1_learns_raw_101_to_150_under_their_own_numbers(root):
    found, names = labels(root, step=1)
    assert found == dict(
        b=[[0, 0, 101], [0, 0, 101]],
        c=[[150, 150, 150], [0, 0, 150]],
        e=[[0, 0, 0], [0, 102, 149]],
    )
    assert names[150] == 'flag' and len(names) == 151


def test_future_classes_are_void_in_the_test_of_step_0(root):
    found, _ = labels(root, step=0, test_mode=True)
    assert found == dict(
        a=[[0, 1, 1], [2, 2, 0]],
        b=[[100, 100, 255], [0, 0, 255]],
        c=[[255, 255, 255], [1, 0, 255]],
        e=[[50, 51, 99], [100, 255, 255]],
    )


def test_all_classes_are_tested_at_the_last_step(root):
    found, _ = labels(root, step=1, test_mode=True)
    assert found == {name: RAW[name] for name in 'abce'}, 'd shows no class'


def test_order_of_learning_renumbers(root):
    order = [150, *range(1, 150)]
    found, names = labels(root, step=0, scenario=dict(SCENARIO, order=order))
    assert names[:3] == ('unlabelled', 'flag', 'wall')
    assert found['c'] == [[1, 1, 1], [2, 0, 1]]
    assert found['e'] == [[51, 52, 100], [0, 0, 0]]
