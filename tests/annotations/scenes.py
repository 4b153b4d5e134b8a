"""The same outlines in every format, and the masks that they must become."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

CLASSES = ['forklift', 'pallet']
NAMES = [*CLASSES, 'person']
SIZES = [(40, 60), (60, 40), (33, 47)]
Scene = tuple[tuple[int, int], list[tuple[str, list[tuple[int, int]]]]]


def make(folder: Path, count: int = 30) -> dict[str, Scene]:
    """Images of the names that are returned, each with its size and up to three polygons."""
    rng = np.random.RandomState(0)
    scenes: dict[str, Scene] = {}
    for number in range(count):
        height, width = SIZES[number % len(SIZES)]
        outlines = []
        for name in rng.choice(NAMES, rng.randint(4)):
            points = rng.randint(0, (width + 1, height + 1), (rng.randint(3, 7), 2))
            outlines.append((str(name), [tuple(map(int, point)) for point in points]))
        name = f'day_{number % 2}/{number:03d}'
        scenes[name] = (height, width), outlines
        path = folder / f'{name}.jpg'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (width, height), (number, 99, 3)).save(path)
    return scenes


def flat(points: list[tuple[int, int]]) -> list[float]:
    return [float(value) for point in points for value in point]


def pixels(points: list[tuple[int, int]], size: tuple[int, int]) -> np.ndarray:
    """A polygon as pycocotools fills it: the pixels that all formats must agree on."""
    return coco_mask.decode(coco_mask.frPyObjects([flat(points)], *size))[..., 0].astype(bool)


def expected(scene: Scene) -> np.ndarray:
    """The mask, painted shape after shape."""
    size, outlines = scene
    mask = np.zeros(size, np.uint8)
    for name, points in outlines:
        if name in CLASSES:
            mask[pixels(points, size)] = 1 + CLASSES.index(name)
    return mask


def coco(scenes: dict[str, Scene], path: Path, outline: Callable) -> Path:
    images, annotations = [], []
    for image_id, (name, (size, outlines)) in enumerate(scenes.items(), 5):
        height, width = size
        images.append(dict(id=image_id, file_name=f'{name}.jpg', height=height, width=width))
        for kind, points in outlines:
            annotations.append(
                dict(
                    id=len(annotations),
                    image_id=image_id,
                    category_id=7 + NAMES.index(kind),
                    iscrowd=len(annotations) % 2,
                    segmentation=outline(points, size),
                )
            )
    categories = [dict(id=7 + number, name=name) for number, name in enumerate(NAMES)]
    content = dict(images=images, annotations=annotations, categories=categories)
    path.write_text(json.dumps(content))
    return path


def as_polygon(points, size) -> list:
    return [flat(points)]


def as_compressed(points, size) -> dict:
    rle = coco_mask.encode(np.asfortranarray(pixels(points, size), np.uint8))
    return dict(size=list(size), counts=rle['counts'].decode())


def as_counts(points, size) -> dict:
    column = pixels(points, size).ravel('F')
    edges = np.flatnonzero(np.diff(np.concatenate([[False], column]).astype(int)))
    counts = np.diff([0, *edges, column.size]).tolist()
    return dict(size=list(size), counts=counts)


def labelme(scenes: dict[str, Scene], folder: Path, masks: bool = False) -> Path:
    for name, (size, outlines) in scenes.items():
        shapes = [
            _mask_shape(kind, points, size)
            if masks
            else dict(label=kind, points=points, shape_type='polygon')
            for kind, points in outlines
        ]
        content = dict(
            shapes=shapes,
            # As on Windows, and from the place of the file.
            imagePath='..\\photos\\' + name.replace('/', '\\') + '.jpg',
            imageHeight=size[0],
            imageWidth=size[1],
        )
        path = folder / f'{name}.json'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return folder


def _mask_shape(kind: str, points, size) -> dict:
    filled = pixels(points, size)
    rows, columns = (np.flatnonzero(filled.any(axis)) for axis in (1, 0))
    top, left = (int(found[0]) if len(found) else 0 for found in (rows, columns))
    part = filled[top : rows[-1] + 1, left : columns[-1] + 1] if len(rows) else filled[:1, :1]
    buffer = io.BytesIO()
    Image.fromarray(part).save(buffer, 'PNG')
    corner = [left + part.shape[1] - 1, top + part.shape[0] - 1]
    mask = base64.b64encode(buffer.getvalue()).decode()
    return dict(label=kind, points=[[left, top], corner], shape_type='mask', mask=mask)


def cvat(scenes: dict[str, Scene], path: Path, masks: bool = False) -> Path:
    root = Element('annotations')
    SubElement(root, 'version').text = '1.1'
    for number, (name, (size, outlines)) in enumerate(scenes.items()):
        given = dict(id=str(number), name=f'{name}.jpg', width=str(size[1]), height=str(size[0]))
        image = SubElement(root, 'image', given)
        # Written in another order than they lie.
        for order, (kind, points) in reversed(list(enumerate(outlines))):
            if masks:
                filled = pixels(points, size).ravel()
                edges = np.flatnonzero(np.diff(np.concatenate([[False], filled]).astype(int)))
                runs = np.diff([0, *edges, filled.size])
                box = dict(left='0', top='0', width=str(size[1]), height=str(size[0]))
                rle = ', '.join(map(str, runs))
                SubElement(image, 'mask', dict(box, label=kind, z_order=str(order), rle=rle))
            else:
                text = ';'.join(f'{x:.2f},{y:.2f}' for x, y in points)
                SubElement(image, 'polygon', dict(label=kind, points=text, z_order=str(order)))
    ElementTree(root).write(path, encoding='utf-8', xml_declaration=True)
    return path


def yolo(scenes: dict[str, Scene], folder: Path) -> Path:
    (folder / 'labels').mkdir(parents=True)
    (folder / 'data.yaml').write_text('names:\n' + ''.join(f'- {name}\n' for name in NAMES))
    for name, ((height, width), outlines) in scenes.items():
        lines = [
            ' '.join(
                [str(NAMES.index(kind)), *(f'{x / width!r} {y / height!r}' for x, y in points)]
            )
            for kind, points in outlines
        ]
        path = folder / 'labels' / f'{name}.txt'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('\n'.join(lines))
    return folder


WRITERS = {
    'coco polygons': lambda scenes, at: coco(scenes, at / 'a.json', as_polygon),
    'coco compressed': lambda scenes, at: coco(scenes, at / 'a.json', as_compressed),
    'coco counts': lambda scenes, at: coco(scenes, at / 'a.json', as_counts),
    'labelme': lambda scenes, at: labelme(scenes, at / 'labelme'),
    'labelme masks': lambda scenes, at: labelme(scenes, at / 'labelme', masks=True),
    'cvat': lambda scenes, at: cvat(scenes, at / 'a.xml'),
    'cvat masks': lambda scenes, at: cvat(scenes, at / 'a.xml', masks=True),
    'yolo': lambda scenes, at: yolo(scenes, at / 'yolo'),
}
