"""Folders whose masks have values of their own: what they mean, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from PIL import Image

from mmseg_dkd.datasets import StepDataset

CLASSES = ['background', 'box', 'forklift']
SCENARIO = dict(name=[[1], [2]], num_classes=2)


@pytest.fixture(autouse=True, scope='module')
def default_scope():
    init_default_scope('mmseg')


@pytest.fixture
def root(tmp_path) -> Path:
    write(tmp_path / 'first', [[0, 1], [3, 1]])
    write(tmp_path / 'forklift', [[0, 255], [255, 0]])
    return tmp_path


def write(folder: Path, rows: list[list[int]]) -> None:
    for kind in ('images', 'masks'):
        (folder / kind).mkdir(parents=True)
    mask = np.array(rows, np.uint8)
    Image.fromarray(mask).save(folder / 'masks/a.png')
    Image.fromarray(np.stack([mask] * 3, axis=2)).save(folder / 'images/a.jpg')


def folder(root: Path, name: str, labels: dict, loader: dict | None = None, **changes) -> dict:
    return dict(
        type='LabelledFolder',
        metainfo=dict(classes=CLASSES),
        data_root=str(root),
        data_prefix=dict(img_path=f'{name}/images', seg_map_path=f'{name}/masks'),
        labels=labels,
        pipeline=[
            dict(type='LoadImageFromFile'),
            loader or dict(type='LoadAnnotations'),
            dict(type='PackSegInputs'),
        ],
        **changes,
    )


def labels_of(cfg: dict, step: int) -> list[list[int]]:
    data = StepDataset(cfg, SCENARIO, step)
    (index,) = range(len(data))
    return data[index]['data_samples'].gt_sem_seg.data[0].tolist()


@pytest.mark.parametrize(
    'values, expected',
    [
        (dict(background=0, box=[1, 3]), [[0, 1], [1, 1]]),
        (dict(background=[0, 3], box=1), [[0, 1], [0, 1]]),
        (dict(void=[0, 3], box=1), [[255, 1], [255, 1]]),
        (dict(box=0, background=1, forklift=3), [[1, 0], [0, 0]]),
    ],
)
def test_values_mean_what_the_labels_say(root, values, expected):
    assert labels_of(folder(root, 'first', values), 0) == expected


def test_parts_may_read_their_masks_in_different_ways(root):
    # OpenCV reads a palette image as colours: the numbers are lost.
    with Image.open(root / 'forklift/masks/a.png') as mask:
        palette = mask.convert('P')
    palette.putdata([0, 1, 1, 0])
    palette.putpalette([0, 0, 0, 128, 0, 0])
    palette.save(root / 'forklift/masks/a.png')
    parts = [
        folder(
            root,
            'first',
            dict(background=[0, 3], box=1),
            dict(type='LoadAnnotations', imdecode_backend='cv2'),
        ),
        folder(root, 'forklift', dict(background=0, forklift=1)),
    ]
    both = dict(type='ConcatDataset', datasets=parts)
    assert labels_of(both, 0) == [[0, 1], [0, 1]]
    assert labels_of(both, 1) == [[0, 2], [2, 0]]
    parts[1]['pipeline'][1] = parts[0]['pipeline'][1]
    with pytest.raises(ValueError, match=r'forklift/masks/a.png: mask of \(2, 2, 3\)'):
        StepDataset(both, SCENARIO, 1)


def test_value_without_a_meaning_is_named_with_its_file(root):
    message = r'(?s)first/masks/a.png: the values \[3\] mean nothing.* \[0, 1, 255\] \(labels'
    with pytest.raises(ValueError, match=message):
        StepDataset(folder(root, 'first', dict(background=0, box=1)), SCENARIO, 0)


def test_changed_meaning_is_not_taken_from_the_index(root):
    StepDataset(folder(root, 'first', dict(background=0, box=[1, 3])), SCENARIO, 0)
    with pytest.raises(ValueError, match='selects none of 1 images: none shows box'):
        StepDataset(folder(root, 'first', dict(background=[0, 1, 3])), SCENARIO, 0)


def test_class_that_is_255_in_the_masks_is_not_void(root):
    forgotten = dict(background=0, forklift=1)
    message = r'none shows forklift. The mask .*forklift/masks/a.png, .* the values \[0, 255\]'
    with pytest.raises(ValueError, match=message):
        StepDataset(folder(root, 'forklift', forgotten), SCENARIO, 1)
    right = dict(background=0, forklift=255)
    assert labels_of(folder(root, 'forklift', right), 1) == [[0, 2], [2, 0]]


def test_step_without_a_folder_is_named(root):
    with pytest.raises(ValueError, match='shows forklift, and no folder has one of them in its'):
        StepDataset(folder(root, 'first', dict(background=[0, 3], box=1)), SCENARIO, 1)


def test_step_whose_images_are_all_in_the_other_part_is_named(root):
    cfg = folder(root, 'first', dict(background=[0, 3], box=1))
    with pytest.raises(ValueError, match="selects 1 images, but none .* part 'held'.*ann_file"):
        StepDataset(cfg, SCENARIO, 0, part='held')


@pytest.mark.parametrize(
    'labels, changes, message',
    [
        (dict(forklft=1), {}, r"first/masks: 'forklft' is none of the classes \['background'"),
        (dict(box=256), {}, '256 is no value of a mask'),
        (dict(box='1'), {}, "'1' is no value of a mask"),
        (dict(box=None), {}, 'None is no value of a mask'),
        (dict(box=True), {}, 'True is no value of a mask'),
        (['background', 'box'], {}, r"labels=\['background', 'box'\] .*: write labels=dict"),
        (dict(box=[1, 2], forklift=2), {}, 'the value 2 is there twice'),
        (dict(box=1), dict(from_step=-1), 'from_step=-1 of .*box.*: give the number of a step'),
        (dict(box=1), dict(from_step=True), 'from_step=True of'),
        (dict(box=1), dict(reduce_zero_label=True), 'leave reduce_zero_label out'),
        (dict(box=1), dict(img_suffix='.tif'), r'first/images/\*.tif: no image there'),
    ],
)
def test_contradictions_are_refused_by_value(root, labels, changes, message):
    with pytest.raises(ValueError, match=message):
        StepDataset(folder(root, 'first', labels, **changes), SCENARIO, 0)


def test_class_that_is_called_void_is_refused(root):
    # A void in a weld is a defect, but here the word is taken.
    cfg = folder(root, 'first', dict(background=[0, 3], box=1))
    cfg['metainfo'] = dict(classes=['background', 'box', 'void'])
    with pytest.raises(ValueError, match="a class is called 'void'.*another name in metainfo"):
        StepDataset(cfg, SCENARIO, 0)


def test_without_background_void_is_what_nobody_labelled(root):
    cfg = folder(root, 'first', dict(void=0, box=1, forklift=3))
    cfg['metainfo'] = dict(classes=CLASSES[1:])
    data = StepDataset(cfg, dict(SCENARIO, has_background=False), 0)
    assert data.metainfo['classes'] == ('unlabelled', 'box')
    assert data[0]['data_samples'].gt_sem_seg.data[0].tolist() == [[0, 1], [0, 1]]
