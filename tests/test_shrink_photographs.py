"""dev/shrink_photographs.py copies images and masks at a small size, and nothing else."""

import sys

import numpy as np
import pytest
from PIL import Image

from dev import shrink_photographs

LISTS = 'ImageSets/Segmentation'


@pytest.mark.parametrize(
    ('size', 'small'),
    [((512, 384), (256, 192)), ((300, 600), (128, 256)), ((256, 100), (256, 100))],
)
def test_copy_is_small_and_masks_keep_their_values(tmp_path, monkeypatch, size, small):
    source, target = tmp_path / 'VOC2012', tmp_path / 'small'
    folders = dict(train='SegmentationClass', aug='SegmentationClassAug', val='SegmentationClass')
    for folder in {*folders.values(), 'JPEGImages', LISTS}:
        (source / folder).mkdir(parents=True)
    # Quarters, so that the middle of each is far from every border.
    quarters = np.uint8([[0, 8], [13, 255]]).repeat(size[1] // 2, 0).repeat(size[0] // 2, 1)
    mask = Image.fromarray(quarters).convert('P')
    mask.putpalette([value for value in range(256) for _ in range(3)])
    for name, folder in folders.items():
        (source / LISTS / f'animals_{name}.txt').write_text(f'2007_{name}\n')
        Image.new('RGB', size, (90, 120, 30)).save(source / f'JPEGImages/2007_{name}.jpg')
        mask.save(source / folder / f'2007_{name}.png')
    Image.new('RGB', size).save(source / 'JPEGImages/2007_unlisted.jpg')
    monkeypatch.setattr(sys, 'argv', ['shrink_photographs.py', str(source), str(target)])
    shrink_photographs.main()
    files = {str(path.relative_to(target)) for path in target.rglob('*') if path.is_file()}
    assert files == {
        path
        for name, folder in folders.items()
        for path in (
            f'{LISTS}/animals_{name}.txt',
            f'JPEGImages/2007_{name}.jpg',
            f'{folder}/2007_{name}.png',
        )
    }
    for name, folder in folders.items():
        with Image.open(target / f'JPEGImages/2007_{name}.jpg') as image:
            assert image.size == small
            assert np.abs(np.asarray(image).astype(int) - (90, 120, 30)).max() <= 3
        with Image.open(target / folder / f'2007_{name}.png') as copy:
            assert copy.size == small and copy.mode == 'P'
            rows, columns = (slice(side // 4, None, side // 2) for side in small[::-1])
            values = np.asarray(copy)[rows, columns]
            assert np.array_equal(values, [[0, 8], [13, 255]])
