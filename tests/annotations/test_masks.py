"""The same outlines give the same masks, whatever program wrote them; the rest is said."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from mmseg_dkd.cli.main import main
from mmseg_dkd.datasets import StepDataset

from .scenes import CLASSES, WRITERS, as_polygon, coco, expected, labelme, make

LOADERS = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]


@pytest.fixture(scope='module')
def photos(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp('data') / 'photos'


@pytest.fixture(scope='module')
def scenes(photos) -> dict:
    return make(photos)


def prepare(annotations: Path, images: Path | list[Path], out: Path, *options: str) -> None:
    folders = [images] if isinstance(images, Path) else images
    main(
        ['prepare-masks', str(annotations), '--images', *map(str, folders)]
        + ['--classes', *CLASSES, '--out', str(out), *options]
    )


def presence(out: Path) -> np.ndarray:
    """What the presence index says of the written data sets."""
    init_default_scope('mmseg')
    parts = [dict(part, pipeline=LOADERS) for part in Config.fromfile(out / 'datasets.py').datasets]
    scenario = dict(name='joint', num_classes=len(CLASSES))
    whole = dict(type='ConcatDataset', datasets=parts)
    return StepDataset(whole, scenario, presence_dir=str(out / 'index')).presence


@pytest.mark.parametrize('writer', WRITERS)
def test_every_format_gives_the_same_masks_and_one_index(writer, photos, scenes, tmp_path):
    prepare(WRITERS[writer](scenes, tmp_path), photos, tmp_path / 'out')
    masks = sorted((tmp_path / 'out/photos').rglob('*.png'))
    assert len(masks) == len(scenes)
    shown = []
    for path in masks:
        name = path.relative_to(tmp_path / 'out/photos').with_suffix('').as_posix()
        mask = np.asarray(Image.open(path))
        assert np.array_equal(mask, expected(scenes[name])), name
        shown.append([(mask == value).any() for value in range(3)])
    assert np.array_equal(np.all(shown, 0), [True, False, False]) and np.any(shown, 0).all()
    assert np.array_equal(presence(tmp_path / 'out'), shown)


def test_overlaps_and_classes_that_are_not_asked_for_are_said(photos, scenes, tmp_path, capsys):
    prepare(WRITERS['coco polygons'](scenes, tmp_path), photos, tmp_path / 'out')
    said = capsys.readouterr().out
    people = sum(name == 'person' for _, outlines in scenes.values() for name, _ in outlines)
    assert f'person: {people} shapes are left out, not being asked for' in said
    assert 'pixels are of pallet and of forklift: forklift lies in front' in said
    assert '30 masks in' in said and 'annotated images are not there' not in said


def test_one_file_over_several_folders(photos, scenes, tmp_path):
    file = WRITERS['coco polygons'](scenes, tmp_path)
    prepare(file, [photos / 'day_0', photos / 'day_1'], tmp_path / 'out')
    assert len(list((tmp_path / 'out').rglob('*.png'))) == 30
    assert len(Config.fromfile(tmp_path / 'out/datasets.py').datasets) == 2
    assert len(presence(tmp_path / 'out')) == 30


@pytest.mark.parametrize('others, count', [('empty', 30), ('skip', 10)])
def test_images_without_annotation_are_what_one_says(
    others, count, photos, scenes, tmp_path, capsys
):
    some = dict(list(scenes.items())[:10])
    file = coco(some, tmp_path / 'a.json', as_polygon)
    with pytest.raises(SystemExit, match='says nothing of 20 images, such as .*--others empty'):
        prepare(file, photos, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()
    prepare(file, photos, tmp_path / 'out', '--others', others)
    assert len(list((tmp_path / 'out').rglob('*.png'))) == len(presence(tmp_path / 'out')) == count
    assert f'20 images without annotation: {others}' in capsys.readouterr().out


def changed(scenes: dict, tmp_path: Path, change) -> Path:
    file = coco(scenes, tmp_path / 'a.json', as_polygon)
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    return file


def first(content: dict) -> dict:
    return content['annotations'][0]


@pytest.mark.parametrize(
    'change, words',
    [
        (lambda c: c['images'][3].update(height=41), r'is \(41, .*give the images that were'),
        (lambda c: [i.update(file_name='x.jpg') for i in c['images']], 'speaks of other images'),
        (lambda c: c['images'].append(dict(c['images'][0], id=99)), 'is annotated twice'),
        (lambda c: c['categories'].pop(0), 'the file has no category_id 7'),
        (lambda c: first(c).update(image_id=1234), 'annotation 0: the file has no image_id 1234'),
        (lambda c: first(c).update(segmentation=[[1, 2, 3, 4]]), 'polygon of 4 numbers'),
        (lambda c: first(c).update(segmentation=[['left', 2, 3, 4, 5, 6]]), "a.json: .*'left'"),
        (lambda c: first(c).update(segmentation=[]), 'there is no polygon in it'),
        (lambda c: first(c).update(segmentation=None), 'a box alone labels no pixels'),
        (lambda c: first(c).update(segmentation=dict(counts=[], size=[1, 1])), 'a mask of .1, 1.'),
        (lambda c: c['categories'][0].update(name='fork'), "'forklift' is in no .* are fork "),
        (lambda c: c.pop('categories'), r"neither COCO .* it has \['annotations', 'images'\]"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_written(change, words, photos, scenes, tmp_path):
    file = changed(scenes, tmp_path, change)
    with pytest.raises(SystemExit, match=words):
        prepare(file, photos, tmp_path / 'out')
    assert sorted(tmp_path.iterdir()) == [file]


def test_names_that_several_images_have_are_refused(photos, scenes, tmp_path):
    for folder in ('one', 'two'):
        (tmp_path / 'images' / folder).mkdir(parents=True)
        Image.new('RGB', (4, 4)).save(tmp_path / 'images' / folder / '000.jpg')
    file = coco({'000': ((4, 4), [])}, tmp_path / 'a.json', as_polygon)
    with pytest.raises(SystemExit, match='000.jpg may be .*one/000.jpg or .*two/000.jpg'):
        prepare(file, tmp_path / 'images', tmp_path / 'out')


def test_images_that_would_share_a_mask_are_refused(photos, scenes, tmp_path):
    for suffix in ('jpg', 'png'):
        (tmp_path / 'images').mkdir(exist_ok=True)
        Image.new('RGB', (4, 4)).save(tmp_path / f'images/a.{suffix}')
    file = coco(scenes, tmp_path / 'a.json', as_polygon)
    with pytest.raises(SystemExit, match='images/a: there are two images of this name'):
        prepare(file, tmp_path / 'images', tmp_path / 'out')


@pytest.mark.parametrize('name', ['forklift', 'background', ' '])
def test_classes_have_names_of_their_own(name, photos, scenes, tmp_path):
    file = coco(scenes, tmp_path / 'a.json', as_polygon)
    with pytest.raises(SystemExit, match='name'):
        main(
            ['prepare-masks', str(file), '--images', str(photos), '--out', str(tmp_path / 'out')]
            + ['--classes', 'forklift', name]
        )
    assert not (tmp_path / 'out').exists()


def test_labels_of_images_that_are_not_there_are_said(photos, scenes, tmp_path, capsys):
    more = dict(scenes, gone=((4, 4), []))
    prepare(coco(more, tmp_path / 'a.json', as_polygon), photos, tmp_path / 'out')
    assert '1 annotated images are not there, such as gone.jpg' in capsys.readouterr().out


def test_a_folder_that_is_there_is_left_alone(photos, scenes, tmp_path):
    (tmp_path / 'out').mkdir()
    file = WRITERS['cvat'](scenes, tmp_path)
    with pytest.raises(SystemExit, match='is there already'):
        prepare(file, photos, tmp_path / 'out')


@pytest.mark.parametrize(
    'name, text, words',
    [
        ('a.json', '[1, 2', 'is no JSON'),
        ('a.json', '[1, 2]', r'neither COCO .* it has \[\]'),
        ('a.json', '{"images": [{}], "categories": []}', 'KeyError: .id.* it is damaged'),
        ('a.xml', '<annotations>', 'is no XML'),
        ('a.xml', '<annotations><image/></annotations>', 'a.xml: KeyError: .height.* damaged'),
        (
            'a.xml',
            '<annotations><image name="x" width="4" height="high"/></annotations>',
            "a.xml: .*'high'",
        ),
        ('a.xml', '<annotations/>', 'CVAT for images 1.1'),
        ('a.xml', '<!DOCTYPE a><annotations/>', 'document type is declared'),
        ('a.txt', '', 'it may be a COCO file'),
    ],
)
def test_files_that_are_none_of_the_formats(name, text, words, photos, scenes, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(SystemExit, match=words):
        prepare(tmp_path / name, photos, tmp_path / 'out')


@pytest.mark.parametrize(
    'line, words',
    [
        ('0 0.1 0.1 0.5 0.5', 'line 1: this is a box, which labels no pixels'),
        ('9 0.1 0.1 0.5 0.5 0.2 0.3', r'class 9 has no name; there are \[0, 1, 2\]'),
        ('cat 0.1', 'line 1: .*cat.*write a class and x y'),
        ('0 0.1 0.1 0.5', 'a polygon of 3 numbers'),
    ],
)
def test_lines_of_yolo_that_label_nothing(line, words, photos, scenes, tmp_path):
    folder = WRITERS['yolo'](scenes, tmp_path)
    (folder / 'labels/day_0/000.txt').write_text(f'{line}\n')
    with pytest.raises(SystemExit, match=words):
        prepare(folder, photos, tmp_path / 'out')


@pytest.mark.parametrize(
    'shape, area',
    [
        (dict(shape_type='rectangle', points=[[10, 5], [30, 25]]), 20 * 20),
        (dict(shape_type='circle', points=[[20, 20], [20, 10]]), np.pi * 100),
    ],
)
def test_rectangles_and_circles_of_labelme(shape, area, tmp_path):
    (tmp_path / 'photos').mkdir()
    Image.new('RGB', (60, 40)).save(tmp_path / 'photos/a.jpg')
    folder = labelme({'a': ((40, 60), [])}, tmp_path / 'labels')
    content = json.loads((folder / 'a.json').read_text())
    content['shapes'] = [dict(shape, label=name) for name in CLASSES]
    (folder / 'a.json').write_text(json.dumps(content))
    prepare(folder, tmp_path / 'photos', tmp_path / 'out')
    mask = np.asarray(Image.open(tmp_path / 'out/photos/a.png'))
    assert (mask == 2).sum() == pytest.approx(area, rel=0.02) and not (mask == 1).any()
    for wrong, words in [
        (dict(shape_type='line'), 'shape 0: a line of 2 points has no area'),
        (dict(shape_type='mask', mask='AAAA'), 'shape 0: its mask is damaged'),
    ]:
        content['shapes'][0] = dict(wrong, label='forklift', points=[[1, 1], [2, 2]])
        (folder / 'a.json').write_text(json.dumps(content))
        with pytest.raises(SystemExit, match=words):
            prepare(folder, tmp_path / 'photos', tmp_path / 'again')


@pytest.mark.parametrize(
    'tag, given, area',
    [
        ('box', dict(xtl='10', ytl='5', xbr='30', ybr='25'), 20 * 20),
        ('box', dict(xtl='10', ytl='5', xbr='30', ybr='25', rotation='0'), 20 * 20),
        ('mask', dict(left='7', top='3', width='4', height='2', rle='1, 2, 3, 2'), 4),
    ],
)
def test_boxes_and_small_masks_of_cvat(tag, given, area, tmp_path):
    file = one_shape_of_cvat(tag, given, tmp_path)
    prepare(file, tmp_path / 'photos', tmp_path / 'out')
    mask = np.asarray(Image.open(tmp_path / 'out/photos/a.png'))
    assert (mask == 2).sum() == area and not (mask == 1).any()
    if tag == 'mask':
        assert np.argwhere(mask).tolist() == [[3, 8], [3, 9], [4, 9], [4, 10]]
    else:
        assert (mask[5:25, 10:30] == 2).all()


@pytest.mark.parametrize(
    'tag, given, words',
    [
        ('box', dict(xtl='1', ytl='5', xbr='3', ybr='9', rotation='30'), 'image a.jpg: a box is'),
        ('polyline', dict(points='1,1;2,2;3,1'), 'a polyline is not read: draw a polygon'),
        ('mask', dict(left='7', top='3', width='4', height='2', rle='1, 2'), '4 x 2 does not fit'),
        ('mask', dict(left='7', top='39', width='4', height='2', rle='8'), '4 x 2 does not fit'),
        ('mask', dict(left='57', top='3', width='4', height='2', rle='8'), '4 x 2 does not fit'),
    ],
)
def test_shapes_of_cvat_that_are_not_read(tag, given, words, tmp_path):
    file = one_shape_of_cvat(tag, given, tmp_path)
    with pytest.raises(SystemExit, match=words):
        prepare(file, tmp_path / 'photos', tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def one_shape_of_cvat(tag: str, given: dict[str, str], tmp_path: Path) -> Path:
    """A file with one shape twice, of both classes, for an image of 40 x 60."""
    (tmp_path / 'photos').mkdir()
    Image.new('RGB', (60, 40)).save(tmp_path / 'photos/a.jpg')
    root = ElementTree.Element('annotations')
    image = ElementTree.SubElement(
        root, 'image', dict(id='0', name='a.jpg', width='60', height='40')
    )
    for name in CLASSES:
        ElementTree.SubElement(image, tag, dict(given, label=name))
    ElementTree.ElementTree(root).write(tmp_path / 'a.xml')
    return tmp_path / 'a.xml'


def test_folders_and_images_that_cannot_be_used(photos, scenes, tmp_path):
    file = WRITERS['cvat'](scenes, tmp_path)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(SystemExit, match='empty: no image there .*jpg'):
        prepare(file, tmp_path / 'empty', tmp_path / 'out')
    for folder in ('one/photos', 'two/photos'):
        (tmp_path / folder).mkdir(parents=True)
        Image.new('RGB', (4, 4)).save(tmp_path / folder / 'a.jpg')
    with pytest.raises(SystemExit, match="two folders are called 'photos'"):
        prepare(file, [tmp_path / 'one/photos', tmp_path / 'two/photos'], tmp_path / 'out')
    (tmp_path / 'one/photos/a.jpg').write_bytes(b'')
    one = coco({'a': ((4, 4), [])}, tmp_path / 'a.json', as_polygon)
    with pytest.raises(SystemExit, match='a.jpg: LoadImageFromFile .* cannot read it whole'):
        prepare(one, tmp_path / 'one/photos', tmp_path / 'out')
    assert not (tmp_path / 'out').exists()
