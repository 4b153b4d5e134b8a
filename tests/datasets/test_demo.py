import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmseg_dkd.datasets.demo import compose, scenes
from mmseg_dkd.datasets.demo.fashion import FashionDataset

SMALL = dict(train=20, val=8, size=64)


def ids_of(root: Path, split: str) -> list[str]:
    return (root / 'ImageSets' / 'Segmentation' / f'{split}.txt').read_text().split()


def label_of(root: Path, name: str, folder: str = 'SegmentationClass') -> np.ndarray:
    return np.asarray(Image.open(root / folder / f'{name}.png'))


@pytest.fixture(scope='module')
def fashion(tmp_path_factory):
    root = tmp_path_factory.mktemp('demo') / 'fashion'
    assert scenes.write_fashion_voc(root, **SMALL), 'a new folder must be reported as written'
    return root


@pytest.fixture(scope='module')
def voc(tmp_path_factory):
    root = tmp_path_factory.mktemp('demo') / 'voc'
    scenes.write_voc_like(root)
    return root


def test_cutout_mask_fills_small_holes_only_and_keeps_largest_part():
    grey = np.zeros((30, 30), np.uint8)
    grey[2:20, 2:20] = 200
    grey[20, 20] = 13  # touches by a corner
    grey[10:13, 4:9] = 12  # 15 pixels, at the threshold
    expected = grey > 12
    grey[4:7, 4:8] = 0  # 12 pixels
    grey[25:28, 25:28] = 200
    assert (compose.cutout_mask(grey) == expected).all(), 'mask differs from the rule'


def test_two_runs_agree(fashion, tmp_path):
    scenes.write_fashion_voc(tmp_path / 'again', **SMALL)
    for path in fashion.rglob('*.*'):
        twin = tmp_path / 'again' / path.relative_to(fashion)
        assert path.read_bytes() == twin.read_bytes(), f'{path.name} differs'


def test_scenes_are_the_same_on_every_machine():
    rng = np.random.RandomState(0)
    drawn = [compose.compose_scene(rng, [4, 7, 30], compose.VAL, (96, 128)) for _ in range(10)]
    checksums = [zlib.crc32(np.stack(arrays).tobytes()) for arrays in zip(*drawn, strict=True)]
    assert checksums == [2988258659, 1102555686], (
        'raise RECIPE_VERSION when scenes change on purpose'
    )


def test_seed_changes_scenes_and_train_size_leaves_val_unchanged(fashion, tmp_path):
    scenes.write_fashion_voc(tmp_path / 'seed', **SMALL, seed=1)
    scenes.write_fashion_voc(tmp_path / 'train', train=5, val=8, size=64)
    name = 'val_00003'
    assert (label_of(tmp_path / 'seed', name) != label_of(fashion, name)).any(), 'seed ignored'
    assert (label_of(tmp_path / 'train', name) == label_of(fashion, name)).all(), 'val changed'


def test_fashion_layout(fashion):
    train, val = ids_of(fashion, 'train'), ids_of(fashion, 'val')
    assert len(train) == 20 and len(val) == 8 and not set(train) & set(val), 'wrong lists'
    assert ids_of(fashion, 'train_fit') + ids_of(fashion, 'train_held') == train, 'wrong split'
    assert len(ids_of(fashion, 'train_held')) == 4, 'a fifth is held out'
    for name in train + val:
        with Image.open(fashion / 'JPEGImages' / f'{name}.jpg') as image:
            assert image.size == (64, 64) and image.mode == 'RGB', f'{name}: wrong image'
        with Image.open(fashion / 'SegmentationClass' / f'{name}.png') as mask:
            assert mask.size == (64, 64) and mask.mode == 'P', f'{name}: wrong mask'
            assert mask.getpalette()[:12] == [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0], name
            assert 2 <= len(np.unique(mask)) <= 4, f'{name}: 1 to 3 classes and background'


@pytest.mark.parametrize('split', ['train', 'val', 'train_fit'])
def test_fashion_ids_are_valid_and_all_occur(fashion, split):
    found = np.unique(np.stack([label_of(fashion, name) for name in ids_of(fashion, split)]))
    assert found.tolist() == list(range(9)), f'{split} must show ids 0 to 8'


def test_pools_share_nothing_between_fit_held_and_val():
    products = [set(pool.products) for pool in (compose.FIT, compose.HELD, compose.VAL)]
    assert sum(map(len, products)) == len(set.union(*products)) == 160, 'products shared or unused'
    assert set(compose.TRAIN.products) == products[0] | products[1], 'train is fit and held'
    photos = set(compose.FIT.backgrounds) | set(compose.HELD.backgrounds)
    photos |= set(compose.TRAIN.backgrounds)
    assert not photos & set(compose.VAL.backgrounds), 'backgrounds shared'


def test_each_split_is_composed_from_its_own_pool(monkeypatch, tmp_path):
    used = []

    def spy(rng, kinds, pool, shape):
        used.append(pool)
        return compose.compose_scene(rng, kinds, pool, shape)

    monkeypatch.setattr(scenes, 'compose_scene', spy)
    scenes.write_fashion_voc(tmp_path / 'fashion', train=10, val=3, size=32)
    assert used == [compose.FIT] * 8 + [compose.HELD] * 2 + [compose.VAL] * 3, 'wrong pools'


@pytest.mark.parametrize('pool', [compose.FIT, compose.HELD, compose.VAL])
def test_scenes_depend_on_nothing_outside_their_pool(pool):
    material = compose.load_material()
    inside = np.isin(np.arange(160), pool.products)[:, None, None]
    photos = {name: material.backgrounds[name] for name in pool.backgrounds}
    blanked = compose.Material(material.grey * inside, material.alpha * inside, photos)
    for seed in range(20):
        rngs, kinds = [np.random.RandomState(seed) for _ in range(2)], [seed % 8, 9]
        whole = compose.compose_scene(rngs[0], kinds, pool, (64, 64), material)
        part = compose.compose_scene(rngs[1], kinds, pool, (64, 64), blanked)
        assert all(map(np.array_equal, whole, part)), 'a scene uses foreign material'


def test_second_call_does_nothing_and_deleted_files_are_noticed(tmp_path):
    root = tmp_path / 'fashion'
    assert scenes.write_fashion_voc(root, train=5, val=1, size=32), 'first call writes'
    assert not scenes.write_fashion_voc(root, train=5, val=1, size=32), 'second call does not'
    (root / 'SegmentationClass' / 'val_00000.png').unlink()
    with pytest.raises(FileExistsError, match='delete it'):
        scenes.write_fashion_voc(root, train=5, val=1, size=32)


@pytest.mark.parametrize('content', ['other recipe', 'foreign file', 'broken note', 'plain file'])
def test_foreign_root_is_refused_and_kept(tmp_path, content):
    root = tmp_path / 'fashion'
    if content == 'plain file':
        root.write_text('mine')
    elif content == 'other recipe':
        scenes.write_fashion_voc(root, train=5, val=1, size=32)
    else:
        root.mkdir()
        (root / ('DEMO.json' if content == 'broken note' else 'mine.txt')).write_text('{')
    before = sorted(root.rglob('*'))
    with pytest.raises(FileExistsError, match=f'{root.name}.*delete it or choose another'):
        scenes.write_fashion_voc(root, train=6, val=1, size=32)
    assert root.exists() and sorted(root.rglob('*')) == before, 'a refused folder was touched'


def test_empty_root_is_used(tmp_path):
    assert scenes.write_fashion_voc(tmp_path, train=5, val=1, size=32), 'an empty folder is free'
    assert json.loads((tmp_path / 'DEMO.json').read_text())['pictures'] == 12, 'wrong note'


@pytest.mark.parametrize('error', [KeyboardInterrupt, OSError])
def test_interruption_leaves_nothing(monkeypatch, tmp_path, error):
    calls = []

    def interrupt(*args):
        calls.append(args)
        if len(calls) == 4:
            raise error
        return compose.compose_scene(*args)

    monkeypatch.setattr(scenes, 'compose_scene', interrupt)
    with pytest.raises(error):
        scenes.write_fashion_voc(tmp_path / 'fashion', train=5, val=1, size=32)
    assert list(tmp_path.iterdir()) == [], 'something half written was left'


def test_voc_like_layout(voc):
    lists = {name: ids_of(voc, name) for name in ('train', 'aug', 'trainaug', 'val')}
    assert lists['train'] + lists['aug'] == lists['trainaug'], 'trainaug is train and aug'
    assert len(lists['trainaug']) == 60 and len(lists['val']) == 20, 'wrong number of scenes'
    masks = {path.stem for path in (voc / 'SegmentationClass').iterdir()}
    assert masks == set(lists['train'] + lists['val']), 'aug scenes have masks in Aug only'
    masks = {path.stem for path in (voc / 'SegmentationClassAug').iterdir()}
    assert masks == set(lists['trainaug'] + lists['val']), 'Aug holds all masks'
    sizes = set()
    for name in lists['trainaug'] + lists['val']:
        with Image.open(voc / 'JPEGImages' / f'{name}.jpg') as image:
            sizes.add(image.size)
            assert label_of(voc, name, 'SegmentationClassAug').shape == image.size[::-1], name
    assert sizes == {(500, 375), (375, 500), (333, 500)}, 'wrong image sizes'


def check_occurrence(root: Path, split: str, num_classes: int, least: int) -> None:
    scenes_with = np.zeros(256, int)
    for name in ids_of(root, split):
        scenes_with[np.unique(label_of(root, name, 'SegmentationClassAug'))] += 1
    assert (scenes_with[: num_classes + 1] >= least).all(), f'a class is too rare in {split}'
    assert not scenes_with[num_classes + 1 : 255].any() and scenes_with[255], 'foreign ids'


def test_voc_like_classes_occur(voc):
    check_occurrence(voc, 'trainaug', 20, 3)
    check_occurrence(voc, 'val', 20, 1)


@pytest.mark.parametrize('seed', range(3))
def test_voc_like_classes_occur_at_the_least_size(tmp_path, seed):
    scenes.write_voc_like(tmp_path, size=(96, 96), num_classes=32, train=96, val=32, seed=seed)
    check_occurrence(tmp_path, 'trainaug', 32, 3)
    check_occurrence(tmp_path, 'val', 32, 1)


@pytest.mark.parametrize('bad', [dict(train=4), dict(val=0), dict(size=31)])
def test_fashion_refuses_bad_numbers(tmp_path, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        scenes.write_fashion_voc(tmp_path / 'fashion', **bad)


@pytest.mark.parametrize(
    'bad', [dict(train=59), dict(val=19), dict(num_classes=33), dict(size=(95, 500))]
)
def test_voc_like_refuses_bad_numbers(tmp_path, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        scenes.write_voc_like(tmp_path / 'voc', **bad)


def test_void_contour_is_three_pixels_wide():
    label = np.zeros((20, 20), np.uint8)
    label[:, 10:] = 7
    row = scenes.add_void(label)[10]
    assert (row == 255).sum() == 3 and row[0] == 0 and row[-1] == 7, f'wrong contour: {row}'


def test_small_scene_without_room_is_an_error():
    material = compose.load_material()
    full = compose.Material(material.grey, np.full_like(material.alpha, 255), material.backgrounds)
    kinds = list(range(20))
    with pytest.raises(RuntimeError, match='no room'):
        compose.compose_scene(np.random.RandomState(0), kinds, compose.VAL, (32, 32), full)


def test_dataset_reads_the_folder(fashion):
    dataset = FashionDataset(
        data_root=str(fashion),
        ann_file='ImageSets/Segmentation/train.txt',
        data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='mmseg.LoadAnnotations')],
    )
    assert len(dataset) == 20, 'wrong data set'
    names = np.load(Path(compose.__file__).with_name('fashion_cutouts.npz'))['class_names']
    assert dataset.metainfo['classes'] == ('background', *names), 'class names differ'
    palette = np.ravel(dataset.metainfo['palette']).tolist()
    assert palette == scenes.voc_palette()[:27], 'palette differs'
    label = label_of(fashion, 'train_00000')
    assert (dataset[0]['gt_seg_map'] == label).all(), 'labels differ from the file'
