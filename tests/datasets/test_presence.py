"""The index of classes: what it reads, what it refuses, and when it reads again."""

import multiprocessing
import os
import shutil
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmseg_dkd.datasets import presence as module
from mmseg_dkd.datasets.presence import class_presence

LOADER = dict(type='LoadAnnotations')
NUM_CLASSES = 3
MASKS = [
    [[0, 0, 1], [1, 255, 0]],
    [[2, 2], [255, 255], [3, 0]],
    [[0, 0], [0, 0]],
    [[255] * 3] * 2,
]


@pytest.fixture
def infos(tmp_path) -> list[dict]:
    """Four images; the third shows background only, the fourth void only."""
    for number, rows in enumerate(MASKS):
        mask = np.array(rows, np.uint8)
        Image.fromarray(mask).save(tmp_path / f'{number}.png')
        Image.fromarray(np.stack([mask] * 3, axis=2)).save(tmp_path / f'{number}.jpg')
    return [
        dict(
            img_path=str(tmp_path / f'{number}.jpg'),
            seg_map_path=str(tmp_path / f'{number}.png'),
            label_map=None,
            reduce_zero_label=False,
        )
        for number in range(len(MASKS))
    ]


def ids() -> np.ndarray:
    known = np.full(256, -1)
    known[: NUM_CLASSES + 1] = range(NUM_CLASSES + 1)
    known[255] = 255
    return known


def build(infos: list[dict]) -> np.ndarray:
    folder = Path(infos[0]['img_path']).parent / 'cache'
    return class_presence(infos, LOADER, ids(), NUM_CLASSES, folder)


def cache_of(infos: list[dict]) -> Path:
    (file,) = (Path(infos[0]['img_path']).parent / 'cache').iterdir()
    return file


@pytest.fixture
def scans(monkeypatch) -> list[int]:
    """Number of images of each scan that was made."""
    made, scan = [], module._scan

    def counted(infos, *args):
        made.append(len(infos))
        return scan(infos, *args)

    monkeypatch.setattr(module, '_scan', counted)
    return made


def expected() -> np.ndarray:
    shown = [{value for row in rows for value in row} for rows in MASKS]
    return np.array([[c in values for c in range(NUM_CLASSES + 1)] for values in shown])


def test_presence_is_that_of_the_masks_and_void_is_no_class(infos):
    found = build(infos)
    assert found.dtype == bool and np.array_equal(found, expected())


def test_labels_may_stand_for_other_class_ids(infos, tmp_path):
    # Without background: labels 0..2 are classes 1..3, and void is what nobody labelled.
    class_id_of = np.full(256, -1)
    class_id_of[:4], class_id_of[255] = (1, 2, 3, 3), 0
    found = class_presence(infos, LOADER, class_id_of, NUM_CLASSES, tmp_path / 'cache')
    assert found.tolist() == [
        [True, True, True, False],
        [True, True, False, True],
        [False, True, False, False],
        [True, False, False, False],
    ]


def test_masks_are_read_once_for_all_steps(infos, scans):
    first, second = build(infos), build(infos)
    assert scans == [4] and np.array_equal(first, second)
    assert np.array_equal(second, expected())


def test_another_image_list_has_a_cache_of_its_own(infos, scans):
    build(infos)
    assert np.array_equal(build(infos[:2]), expected()[:2])
    build(infos)
    assert scans == [4, 2], 'neither list may push the other out'


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_touched_file_is_read_again(infos, scans, suffix):
    build(infos)
    file = Path(infos[2]['img_path']).with_suffix(suffix)
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    build(infos)
    assert scans == [4, 4]


def test_changed_mask_is_seen(infos):
    build(infos)
    Image.fromarray(np.array([[3, 1], [1, 1]], np.uint8)).save(infos[2]['seg_map_path'])
    assert build(infos)[2].tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    'change',
    [
        dict(load_annotations=dict(LOADER, imdecode_backend='cv2')),
        dict(load_image=dict(type='LoadImageFromFile', imdecode_backend='pillow')),
        dict(class_id_of=np.where(ids() == 2, 3, ids())),
        dict(num_classes=NUM_CLASSES + 1),
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_reading_is_made_anew_and_pushes_nothing_out(infos, scans, tmp_path, change):
    settings = dict(load_annotations=LOADER, class_id_of=ids(), num_classes=NUM_CLASSES)
    for current in (settings, settings | change, settings):
        class_presence(infos, **current, cache_dir=tmp_path / 'cache')
    assert scans == [4, 4]


@pytest.mark.parametrize(
    'change', [dict(label_map={0: 0, 1: 2, 2: 1, 3: 3}), dict(reduce_zero_label=True)], ids=str
)
def test_other_meaning_of_the_same_masks_has_a_cache_of_its_own(infos, scans, change):
    others = [dict(info, **change) for info in infos]
    plain, other = build(infos), build(others)
    assert not np.array_equal(plain, other)
    assert np.array_equal(build(infos), plain) and np.array_equal(build(others), other)
    assert scans == [4, 4]


@pytest.mark.parametrize('kept', [0, 1, 40, 300, -1])
def test_truncated_cache_is_made_anew(infos, scans, kept):
    build(infos)
    file = cache_of(infos)
    whole = file.read_bytes()
    file.write_bytes(whole[:kept])
    assert np.array_equal(build(infos), expected())
    assert scans == [4, 4] and len(file.read_bytes()) == len(whole), 'the file was not mended'


@pytest.mark.parametrize('kind', ['text', 'array', 'other_arrays', 'pickle'])
def test_foreign_file_in_its_place_is_replaced(infos, scans, kind):
    build(infos)
    file = cache_of(infos)
    with file.open('wb') as out:
        if kind == 'text':
            out.write(b'no archive\n')
        elif kind == 'array':
            np.save(out, np.zeros(3))
        elif kind == 'other_arrays':
            np.savez(out, weights=np.zeros(3))
        else:
            np.save(out, np.array([{}]), allow_pickle=True)
    for _ in range(2):
        assert np.array_equal(build(infos), expected())
    assert scans == [4, 4]


def unknown_label(infos: list[dict]) -> str:
    Image.fromarray(np.array([[4, 200, 0]] * 2, np.uint8)).save(infos[0]['seg_map_path'])
    return r'0\.png: labels \[4, 200\] belong to no class .* 3 classes; 255 is void'


def missing_mask(infos: list[dict]) -> str:
    os.remove(infos[1]['seg_map_path'])
    return r'1\.png: no such file'


def missing_image(infos: list[dict]) -> str:
    os.remove(infos[1]['img_path'])
    return r'1\.jpg: no such file'


def other_size(infos: list[dict]) -> str:
    Image.fromarray(np.zeros((2, 5), np.uint8)).save(infos[3]['seg_map_path'])
    return r'3\.png: mask of \(2, 5\) for an image .*3\.jpg of \(2, 3\)'


def coloured_mask(infos: list[dict]) -> str:
    shutil.copy(infos[3]['img_path'], infos[3]['seg_map_path'])
    return r'3\.png: mask of \(2, 3, 3\) for an image'


def broken_image(infos: list[dict]) -> str:
    Path(infos[2]['img_path']).write_bytes(Path(infos[2]['img_path']).read_bytes()[:-40])
    return r'2\.jpg: LoadImageFromFile .* cannot read it whole'


def ring_of_links(infos: list[dict]) -> str:
    mask = Path(infos[3]['seg_map_path'])
    mask.unlink()
    mask.symlink_to(mask)
    return r'3\.png: Too many levels of symbolic links'


def broken_mask(infos: list[dict]) -> str:
    Path(infos[2]['seg_map_path']).write_bytes(b'\x89PNG but not for long')
    return r'2\.png: LoadAnnotations .* UnidentifiedImageError'


@pytest.mark.parametrize(
    'spoil',
    [
        unknown_label,
        missing_mask,
        missing_image,
        other_size,
        coloured_mask,
        broken_mask,
        broken_image,
        ring_of_links,
    ],
    ids=lambda spoil: spoil.__name__,
)
def test_unusable_image_is_named_with_the_remedy_and_nothing_is_kept(infos, spoil):
    problem = spoil(infos)
    message = rf'(?s)1 of 4 images cannot .*{problem}.*Mend or remove these files'
    with pytest.raises(ValueError, match=message):
        build(infos)
    assert not (Path(infos[0]['img_path']).parent / 'cache').exists()


def test_many_problems_are_counted_and_the_first_are_listed(infos):
    for info in infos:
        os.remove(info['seg_map_path'])
    with pytest.raises(ValueError, match='(?s)8 of 8 .*0.png.*1.png.*and 3 more'):
        build(infos * 2)


def test_interrupted_writing_leaves_nothing_behind(infos, monkeypatch):
    def fail(file, **_):
        file.write(b'half')
        raise OSError('disk full')

    monkeypatch.setattr(module, '_write', fail)
    with pytest.raises(OSError, match='disk full'):
        build(infos)
    assert list((Path(infos[0]['img_path']).parent / 'cache').iterdir()) == []


def test_folder_that_cannot_be_written_to_is_named_with_the_remedy(infos, tmp_path):
    (tmp_path / 'cache').touch()
    with pytest.raises(OSError, match=r'cache/presence_.*could not be written .*presence_dir=FOL'):
        build(infos)


def test_what_a_killed_indexer_left_is_removed_by_the_next(infos, tmp_path):
    cache = tmp_path / 'cache'
    cache.mkdir()
    kept = {'.presence_0.npz.half', 'presence_0.npz', '.lists.npz.a.part'}
    for name in kept | {'.presence_0.npz.a_1.part'}:
        (cache / name).touch()
    build(infos)
    left = {file.name for file in cache.iterdir()}
    assert kept < left and len(left) == len(kept) + 1


def sleeping(info, folder, **loaders):
    (folder / f'{os.getpid()}.worker').touch()
    time.sleep(60)


def index(infos, number):
    # Whoever started the tests by nohup has SIGHUP ignored.
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    build(infos)


def alive(pid: int) -> bool:
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_worker_outlives_a_killed_indexer(infos, tmp_path, monkeypatch, number):
    monkeypatch.setattr(module, 'values_of', partial(sleeping, folder=tmp_path))
    monkeypatch.setattr(os, 'cpu_count', lambda: 3)
    indexer = multiprocessing.get_context('fork').Process(target=index, args=(infos, number))
    indexer.start()
    end, workers = time.monotonic() + 20, []
    try:
        while len(list(tmp_path.glob('*.worker'))) < 3 and time.monotonic() < end:
            time.sleep(0.02)
        workers = [int(file.stem) for file in tmp_path.glob('*.worker')]
        assert len(workers) == 3 and all(map(alive, workers))
        os.kill(indexer.pid, number)
        while any(map(alive, workers)) and time.monotonic() < end:
            time.sleep(0.02)
        assert not any(map(alive, workers))
    finally:
        for pid in filter(alive, [indexer.pid, *workers]):
            os.kill(pid, signal.SIGKILL)
        indexer.join()
