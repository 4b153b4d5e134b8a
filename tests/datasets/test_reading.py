"""Images and masks that cannot be trained on are found, and the file at fault is blamed."""

import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import mmcv
import numpy as np
import pytest
from mmseg.registry import TRANSFORMS
from PIL import Image

from mmseg_dkd.datasets.reading import image_loader_of, read_picture, values_of

SHAPE = (24, 32)


@pytest.fixture
def info(tmp_path) -> dict:
    """An image of noise and its mask, of the labels 0, 1 and 255."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (*SHAPE, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / 'a.jpg', quality=95)
    mask = rng.choice(np.array([0, 1, 255], np.uint8), SHAPE)
    Image.fromarray(mask).save(tmp_path / 'a.png')
    return dict(
        img_path=str(tmp_path / 'a.jpg'),
        seg_map_path=str(tmp_path / 'a.png'),
        label_map=None,
        reduce_zero_label=False,
    )


def read(info: dict, image: dict | None = None, mask: dict | None = None) -> list[int] | str:
    """The labels, or what is wrong."""
    loaders = (
        TRANSFORMS.build(dict(type='LoadImageFromFile', **(image or {}))),
        TRANSFORMS.build(dict(type='LoadAnnotations', **(mask or {}))),
    )
    found = values_of(info, *loaders)
    return found if isinstance(found, str) else np.flatnonzero(found).tolist()


def halve(file: str) -> None:
    content = Path(file).read_bytes()
    Path(file).write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize('decoder', ['pillow', 'cv2'])
def test_labels_are_those_of_the_mask(decoder, info):
    assert read(info, dict(imdecode_backend=decoder), dict(imdecode_backend=decoder)) == [0, 1, 255]
    assert read(dict(info, label_map={0: 2, 1: 0})) == [0, 2, 255]


@pytest.mark.parametrize('decoder', ['pillow', 'cv2'])
@pytest.mark.parametrize('key', ['img_path', 'seg_map_path'])
def test_the_damaged_file_of_the_two_is_blamed(key, decoder, info):
    halve(info[key])
    backend = dict(imdecode_backend=decoder)
    assert read(info, backend, backend).startswith(f'{info[key]}: Load')


@pytest.mark.parametrize('options', [{}, dict(progressive=True)])
@pytest.mark.parametrize('key', ['img_path', 'seg_map_path'])
def test_half_a_file_is_found_where_the_decoder_fills_the_rest(key, options, info, monkeypatch):
    # As OpenCV 4 does.
    def filled(content, flag, **_):
        return np.zeros(SHAPE if flag == 'unchanged' else (*SHAPE, 3), np.uint8)

    monkeypatch.setattr(mmcv, 'imfrombytes', filled)
    if options:
        Image.open(info['img_path']).save(info['img_path'], **options)
    backend = dict(imdecode_backend='cv2')
    assert read(info, backend, backend) == [0]
    halve(info[key])
    assert 'image file is truncated' in read(info, backend, backend)


@pytest.mark.parametrize('kind', ['TIFF', 'ICO', 'EPS', 'PPM'])
def test_image_that_the_loader_cannot_read_is_blamed(kind, info):
    buffer = io.BytesIO()
    depth = np.float32 if kind == 'TIFF' else np.uint8
    Image.fromarray(np.zeros(SHAPE, depth)).save(buffer, kind)
    content = buffer.getvalue()
    Path(info['img_path']).write_bytes(content[:-9] if kind == 'PPM' else content)
    problem = read(info)
    assert problem.startswith(f"{info['img_path']}: LoadImageFromFile (imdecode_backend='cv2')")
    assert 'cannot read it whole' in problem


def test_image_is_read_by_the_decoder_that_training_has(info):
    Image.fromarray(np.zeros(SHAPE, np.float32)).save(info['img_path'], 'TIFF')
    assert 'cannot read it' in read(info)
    assert read(info, dict(imdecode_backend='pillow')) == [0, 1, 255]


def test_turned_photograph_is_turned_only_where_training_does(info):
    exif = Image.Exif()
    exif[274] = 6
    Image.new('RGB', SHAPE).save(info['img_path'], exif=exif)
    assert read(info) == [0, 1, 255]
    assert 'mask of (24, 32) for an image' in read(info, dict(color_type='unchanged'))


def pipe(file: Path) -> str:
    os.mkfifo(file)
    return 'neither a file nor a link to one'


def folder(file: Path) -> str:
    file.mkdir()
    return 'neither a file nor a link to one'


def ring(file: Path) -> str:
    other = file.with_name('other')
    other.symlink_to(file)
    file.symlink_to(other)
    return 'Too many levels of symbolic links'


def nothing(file: Path) -> str:
    return 'no such file'


@pytest.mark.parametrize('put', [pipe, folder, ring, nothing], ids=lambda put: put.__name__)
@pytest.mark.parametrize('key', ['img_path', 'seg_map_path'])
def test_what_is_no_file_is_named_and_not_waited_for(key, put, info):
    os.remove(info[key])
    assert f'{info[key]}: {put(Path(info[key]))}' == read(info)


def test_file_below_a_file_is_named(info):
    info['img_path'] += '/b.jpg'
    assert read(info) == f'{info["img_path"]}: Not a directory'


@pytest.mark.parametrize('key', ['img_path', 'seg_map_path'])
def test_bomb_is_refused_by_its_header_with_a_remedy(key, info, monkeypatch):
    header = b'IHDR' + struct.pack('>2I5B', 30_000, 30_000, 8, 0, 0, 0, 0)
    chunk = struct.pack('>I', 13) + header + struct.pack('>I', zlib.crc32(header))
    plain = io.BytesIO()
    Image.new('L', (1, 1)).save(plain, 'PNG')
    Path(info[key]).write_bytes(plain.getvalue()[:8] + chunk + plain.getvalue()[33:])
    decode, decoded = mmcv.imfrombytes, []
    monkeypatch.setattr(
        mmcv,
        'imfrombytes',
        lambda content, **how: decoded.append(len(content)) or decode(content, **how),
    )
    problem = read(info, mask=dict(imdecode_backend='cv2'))
    assert problem.startswith(f'{info[key]}: Image size (900000000 pixels)')
    assert problem.endswith('Cut it into tiles')
    assert len(decoded) == (key == 'seg_map_path'), 'only the image beside it may be decoded'


def test_picture_to_look_at_is_read_whatever_decoder_it_takes(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 255, (*SHAPE, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(tmp_path / 'a.png')
    # Pillow knows no colours of 16 bits.
    cv2.imwrite(str(tmp_path / 'a.tif'), rgb[..., ::-1].astype(np.uint16) * 256)
    for name in ('a.png', 'a.tif'):
        assert np.array_equal(read_picture(str(tmp_path / name)), rgb), name


@pytest.mark.parametrize(
    'cfg, name',
    [
        (dict(pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]), None),
        (dict(pipeline=[dict(type='LoadAnnotations'), dict(type='LoadTile')]), 'LoadTile'),
        (dict(type='RepeatDataset', dataset=dict(pipeline=[dict(type='LoadTile')])), 'LoadTile'),
        (
            dict(
                pipeline=[
                    dict(type='LoadTile'),
                    dict(type='TestTimeAug', transforms=[[dict(type='LoadAnnotations')]]),
                ]
            ),
            'LoadTile',
        ),
        (dict(pipeline=[dict(type='ReadTile'), dict(type='LoadAnnotations')]), None),
    ],
)
def test_loader_of_images_is_found_in_the_pipeline(cfg, name):
    assert image_loader_of(cfg) == dict(type=name or 'LoadImageFromFile')
