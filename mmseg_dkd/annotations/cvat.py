"""CVAT's XML for images (version 1.1): polygons, boxes that are not turned, and masks."""

import re
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, parse

import numpy as np

from .picture import Picture, Region, from_mask, from_polygons


def read(path: Path) -> list[Picture]:
    """The pictures of a CVAT file, shapes in the order in which they lie.

    Raises:
        ValueError: If it is no such file, or a shape has no area.
    """
    # An entity could grow without end; CVAT writes none.
    if re.search(rb'<!(DOCTYPE|ENTITY)', path.read_bytes(), re.IGNORECASE):
        raise ValueError('a document type is declared, which CVAT never does')
    try:
        root = parse(path).getroot()
    except ParseError as error:
        raise ValueError(f'it is no XML: {error}') from error
    images = root.findall('image')
    if root.tag != 'annotations' or not images:
        raise ValueError(
            'there are no <annotations> of <image>s: export the task as "CVAT for images 1.1"'
        )
    return [_picture(path, image) for image in images]


def _picture(path: Path, image: Element) -> Picture:
    size = (int(image.attrib['height']), int(image.attrib['width']))
    where = f'image {image.attrib["name"]}'
    shapes = sorted(
        (shape for shape in image if 'label' in shape.attrib and shape.tag != 'tag'),
        key=lambda shape: int(shape.attrib.get('z_order', 0)),
    )
    regions = [Region(s.attrib['label'], _rle(s, size, where)) for s in shapes]
    return Picture(image.attrib['name'], size, path, regions)


def _rle(shape: Element, size: tuple[int, int], where: str) -> dict:
    given = shape.attrib
    if shape.tag == 'polygon':
        numbers = [float(v) for v in re.split('[,;]', given['points'])]
        return from_polygons([numbers], size, where)
    if shape.tag == 'box' and not float(given.get('rotation', 0)):
        left, top, right, bottom = (float(given[key]) for key in ('xtl', 'ytl', 'xbr', 'ybr'))
        corners = [left, top, right, top, right, bottom, left, bottom]
        return from_polygons([corners], size, where)
    if shape.tag == 'mask':
        left, top, width, height = (int(given[k]) for k in ('left', 'top', 'width', 'height'))
        runs = np.array(re.findall(r'\d+', given['rle']), int)
        if runs.sum() != width * height or top + height > size[0] or left + width > size[1]:
            raise ValueError(f'{where}: a mask of {width} x {height} does not fit its runs')
        small = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)
        whole = np.zeros(size, bool)
        whole[top : top + height, left : left + width] = small
        return from_mask(whole)
    raise ValueError(
        f'{where}: a {shape.tag} is not read: draw a polygon around the object, or a mask'
    )
