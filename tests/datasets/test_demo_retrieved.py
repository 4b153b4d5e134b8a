"""Photographs as a search would find them: the demo's, beside its scenes."""

import zlib

import numpy as np
import pytest
from PIL import Image

from mmseg_dkd.datasets import FashionDataset
from mmseg_dkd.datasets.demo import compose, retrieved


def test_a_folder_of_images_for_each_class(tmp_path):
    root = tmp_path / 'web'
    assert retrieved.write_fashion_web(root, per_class=3, size=48), 'a new folder is written'
    assert not retrieved.write_fashion_web(root, per_class=3, size=48), 'and not written again'
    folders = {path.name for path in root.iterdir() if path.is_dir()}
    assert folders == set(FashionDataset.METAINFO['classes'][1:])
    for name in folders:
        files = sorted((root / name).iterdir())
        assert [file.name for file in files] == ['00.jpg', '01.jpg', '02.jpg']
        for file in files:
            with Image.open(file) as image:
                assert image.size == (48, 48) and image.mode == 'RGB'
    with pytest.raises(FileExistsError, match='delete it'):
        retrieved.write_fashion_web(root, per_class=2, size=48)


def test_no_product_is_in_a_scene():
    folder = compose.Path(compose.__file__).parent
    with (
        np.load(folder / 'fashion_cutouts.npz') as scenes,
        np.load(folder / 'fashion_web.npz') as web,
    ):
        assert scenes['class_names'].tolist() == web['class_names'].tolist()
        assert np.bincount(web['class_id']).tolist() == [24] * 8
        used = {product.tobytes() for product in scenes['images']}
        assert len(used) == len(scenes['images']), 'this would find doubles'
        assert not used & {product.tobytes() for product in web['images']}


def test_every_image_shows_its_own_product_on_plain_ground(monkeypatch, tmp_path):
    drawn, compose_scene = [], compose.compose_scene

    def spy(rng, kinds, pool, shape, material):
        image, label = compose_scene(rng, kinds, pool, shape, material)
        drawn.append((kinds, pool.products, len(np.unique(image[label == 0], axis=0))))
        return image, label

    monkeypatch.setattr(retrieved, 'compose_scene', spy)
    retrieved.write_fashion_web(tmp_path / 'web', per_class=2, size=64)
    assert [(k, list(p)) for k, p, _ in drawn] == [([c], [n]) for c in range(8) for n in range(2)]
    # One colour, and what is blended into it along the outline.
    assert all(colours < 300 for *_, colours in drawn)


def test_the_scenes_are_made_of_the_same_material_as_ever():
    material = compose.load_material()
    checksums = [zlib.crc32(part.tobytes()) for part in (material.grey, material.alpha)]
    assert checksums == [1594141771, 3102862056]


@pytest.mark.parametrize('bad', [dict(per_class=0), dict(per_class=25), dict(size=31)])
def test_bad_numbers_are_refused(tmp_path, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        retrieved.write_fashion_web(tmp_path / 'web', **bad)
