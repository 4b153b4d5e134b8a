"""Lists and folders of images, as users have them."""

import codecs
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from PIL import Image

from mmseg_dkd.datasets import StepDataset
from mmseg_dkd.datasets.image_lists import notes_of

CLASSES = ['background', 'box', 'forklift']
SCENARIO = dict(name='joint', num_classes=2)
NAMES = ('a', 'b', 'c')
LINES = 'a\nb\nc\n'
KEPT = dict(
    plain=LINES.encode(),
    carriage_returns=LINES.replace('\n', '\r\n').encode(),
    byte_order_mark=codecs.BOM_UTF8 + LINES.encode(),
    blank_lines=b'\r\na\r\n  \r\nb\r\nc\r\n\r\n',
    utf_16=codecs.BOM_UTF16_LE + LINES.replace('\n', '\r\n').encode('utf-16-le'),
)


@pytest.fixture(autouse=True, scope='module')
def default_scope():
    init_default_scope('mmseg')


@pytest.fixture
def root(tmp_path) -> Path:
    for kind in ('images', 'masks'):
        (tmp_path / kind).mkdir()
    for name in NAMES:
        write(tmp_path, name)
    return tmp_path


def write(root: Path, name: str, suffix: str = '.jpg') -> None:
    mask = np.array([[0, 1], [2, 1]], np.uint8)
    Image.fromarray(mask).save(root / f'masks/{name}.png')
    Image.fromarray(np.stack([mask] * 3, axis=2)).save(root / f'images/{name}{suffix}')


def data(root: Path, test_mode: bool = False, kind: str = 'BaseSegDataset', **more) -> StepDataset:
    cfg = dict(
        type=kind,
        metainfo=dict(classes=CLASSES),
        data_root=str(root),
        data_prefix=dict(img_path='images', seg_map_path='masks'),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(type='PackSegInputs'),
        ],
        **more,
    )
    return StepDataset(cfg, SCENARIO, 0, test_mode)


@pytest.mark.parametrize('kind', ['BaseSegDataset', 'LabelledFolder'])
@pytest.mark.parametrize('way', KEPT)
def test_list_is_read_as_any_editor_saves_it(root, way, kind):
    (root / 'list.txt').write_bytes(KEPT[way])
    labels = dict(labels=dict(background=0, box=1, forklift=2)) if kind == 'LabelledFolder' else {}
    found = data(root, kind=kind, ann_file='list.txt', **labels)
    assert found.names == [f'images/{name}.jpg' for name in NAMES]
    assert found[2]['data_samples'].gt_sem_seg.data[0].tolist() == [[0, 1], [2, 1]]
    assert (root / 'list.txt').read_bytes() == KEPT[way], "the user's file is changed"


def test_list_that_is_no_text_is_named(root):
    (root / 'list.txt').write_bytes('gerät\n'.encode('cp1252'))
    with pytest.raises(ValueError, match=r'list.txt is no text: .*: save it as UTF-8'):
        data(root, ann_file='list.txt')


@pytest.mark.parametrize('change', [dict(ann_file='list.txt'), dict(img_suffix='.tif')])
def test_data_set_without_an_image_is_named(root, change):
    (root / 'list.txt').write_bytes(b'\r\n\r\n')
    with pytest.raises(ValueError, match=f'no image in a data set below {root}: set its .*suffix'):
        data(root, **change)


def test_nothing_odd_is_not_noted(root):
    for name, lines in dict(train='a', test='b\nc').items():
        (root / f'{name}.txt').write_text(lines)
    train, test = (data(root, name == 'test', ann_file=f'{name}.txt') for name in ('train', 'test'))
    assert notes_of(train, test) == []


def test_images_there_twice_and_in_both_lists_are_noted(root):
    (root / 'train.txt').write_text('a\nb\na')
    (root / 'test.txt').write_text('b\nc\n./c\nb')
    train, test = (data(root, name == 'test', ann_file=f'{name}.txt') for name in ('train', 'test'))
    assert notes_of(train, test) == [
        f'training images that are there more than once: 1 ({root}/images/a.jpg)',
        f'test images that are there more than once: 2 ({root}/images/b.jpg, {root}/images/c.jpg)',
        'images that are both trained on and tested, which makes scores too good: '
        f'1 ({root}/images/b.jpg)',
    ]


def test_masks_whose_image_has_another_suffix_are_noted_once(root):
    for number, suffix in enumerate(('.JPG', '.jpeg', '.png', '.bmp')):
        write(root, f'other_{number}', suffix)
    train, test = data(root), data(root, test_mode=True)
    assert len(train) == len(test) == 3
    assert notes_of(train, test)[1:] == [
        f'masks in {root}/masks that are not used, since no image of their name ends in .jpg: '
        '4 (other_0.png, other_1.png, other_2.png, ...)'
    ]


def test_masks_of_images_that_were_left_out_on_purpose_are_not_noted(root):
    few = data(root, indices=1), data(root, test_mode=True, indices=[2])
    assert [len(part) for part in few] == [1, 1] and notes_of(*few) == []
