"""The lists of images for photographs, and the configs that read by them."""

import os
import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from mmseg_dkd.cli.main import main
from mmseg_dkd.cli.prepare.lists import LISTS
from mmseg_dkd.datasets import MSRCDataset, StepDataset
from tests.tiny import REPOSITORY

ANIMALS = [8, 10, 12, 13, 15, 17]
BASES = dict(animals='voc-animals_3-1', msrc='msrc_15-1')


def ids(name: str) -> list[str]:
    return (files('mmseg_dkd.datasets') / 'lists' / f'{name}.txt').read_text().split()


def values_of(images: str, number: int) -> list[int]:
    """What the mask of the number-th image shows; the tenth class and void in every one."""
    classes = 20 if images == 'animals' else 21
    return [10, 1 + number % classes, 255]


def make(root: Path, images: str, size: tuple[int, int]) -> Path:
    """All images and masks of the lists, each a link to one of a few files; sizes are (w, h)."""
    (root / 'JPEGImages').mkdir(parents=True)
    Image.new('RGB', size, (90, 120, 30)).save(root / 'image.jpg')
    for name, folder in LISTS[images].items():
        (root / folder).mkdir(exist_ok=True)
        for number, one in enumerate(ids(f'{images}_{name}')):
            values = values_of(images, number)
            mask = root / f'{values[1]}.png'
            if not mask.exists():
                rows = np.repeat(np.uint8(values), -(-size[1] // 3))[: size[1]]
                Image.fromarray(np.repeat(rows[:, None], size[0], 1)).save(mask)
            os.link(root / 'image.jpg', root / 'JPEGImages' / f'{one}.jpg')
            os.link(mask, root / folder / f'{one}.png')
    return root


def data_of(images: str, root: Path, part: str, step: int) -> StepDataset:
    init_default_scope('mmseg')
    cfg = Config.fromfile(REPOSITORY / f'configs/_base_/datasets/{BASES[images]}.py')
    dataset = cfg[f'{part}_dataloader'].dataset.to_dict()
    for one in dataset['dataset'].get('datasets', [dataset['dataset']]):
        one['data_root'] = str(root)
    return StepDataset(**{key: dataset[key] for key in dataset if key != 'type'}, step=step)


def test_lists_are_disjoint_and_as_long_as_documented():
    page = (REPOSITORY / 'docs/photographs.md').read_text()
    for images, lists in LISTS.items():
        every = [ids(f'{images}_{name}') for name in lists]
        assert len(set().union(*every)) == sum(map(len, every))
        for name, listed in zip(lists, every, strict=True):
            assert re.search(rf'`{images}_{name}.txt` \| {len(listed):,} \|', page), name


@pytest.mark.parametrize('images', BASES)
def test_full_and_reduced_copies_are_read_alike(images, tmp_path, capsys):
    reads = []
    for name, size in dict(full=(50, 36), reduced=(25, 18)).items():
        root = make(tmp_path / name, images, size)
        main(['prepare-lists', images, str(root)])
        for list_ in LISTS[images]:
            written = root / f'ImageSets/Segmentation/{images}_{list_}.txt'
            assert written.read_text().split() == ids(f'{images}_{list_}')
        seen = []
        for part, step in (('train', 1), ('test', 1), ('test', 0)):
            data = data_of(images, root, part, step)
            sample = data[0]
            # A training sample is a crop at random.
            label = sample['data_samples'].gt_sem_seg.data if part == 'test' else []
            seen.append((data.names, np.unique(label).tolist(), max(sample['inputs'].shape[1:])))
        reads.append(seen)
    assert reads[0] == reads[1]
    assert [inputs for _, _, inputs in reads[0]] == [128, 256, 256]


def test_animals_know_six_classes_and_what_else_there_is_is_background(tmp_path):
    root = make(tmp_path, 'animals', (24, 18))
    main(['prepare-lists', 'animals', str(root)])
    test = data_of('animals', root, 'test', 3)
    names = ('background', 'cat', 'cow', 'dog', 'horse', 'person', 'sheep')
    assert test.metainfo['classes'] == names
    assert len(test) == 445, 'every image shows a cow here'
    for number, sample in zip(range(21), test, strict=False):
        other = values_of('animals', number)[1]
        label = 1 + ANIMALS.index(other) if other in ANIMALS else 0
        found = np.unique(sample['data_samples'].gt_sem_seg.data).tolist()
        assert found == sorted({2, label, 255})


def test_msrc_has_no_background_and_two_numbers_for_nothing(tmp_path):
    for folder in ('JPEGImages', 'SegmentationClass'):
        (tmp_path / folder).mkdir()
    Image.new('RGB', (4, 1)).save(tmp_path / 'JPEGImages/a.jpg')
    Image.fromarray(np.uint8([[0, 1, 21, 255]])).save(tmp_path / 'SegmentationClass/a.png')
    init_default_scope('mmseg')
    loaders = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
    folders = dict(img_path='JPEGImages', seg_map_path='SegmentationClass')
    data = MSRCDataset(data_root=str(tmp_path), data_prefix=folders, pipeline=loaders)
    assert data[0]['gt_seg_map'].ravel().tolist() == [255, 0, 20, 255]
    assert len(data.metainfo['classes']) == len(data.metainfo['palette']) == 21
    assert len({tuple(colour) for colour in data.metainfo['palette']}) == 21


@pytest.mark.parametrize('lost', ['JPEGImages/{}.jpg', 'SegmentationClass/{}.png'])
def test_nothing_is_written_if_a_file_is_not_there(lost, tmp_path):
    root = make(tmp_path, 'msrc', (6, 6))
    path = root / lost.format(ids('msrc_val')[-1])
    path.unlink()
    with pytest.raises(SystemExit, match=f'{re.escape(str(path))} does not exist, nor do 0 more'):
        main(['prepare-lists', 'msrc', str(root)])
    assert not (root / 'ImageSets').exists()
