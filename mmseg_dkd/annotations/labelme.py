"""labelme's JSON files, one an image: polygons, rectangles, circles and masks."""

import base64
import io
import math
from pathlib import Path

import numpy as np
from PIL import Image

from .picture import Picture, Region, from_mask, from_polygons

# Corners of what stands for a circle; its area is that of the circle to a thousandth.
CORNERS = 128


def read(path: Path, content: dict) -> Picture:
    """The picture of a labelme file.

    Args:
        path: The file.
        content: What it holds.

    Raises:
        ValueError: If a shape has no area, as points and lines have none.
    """
    size = (int(content['imageHeight']), int(content['imageWidth']))
    regions = [
        Region(str(shape['label']), _rle(shape, size, f'shape {number}'))
        for number, shape in enumerate(content['shapes'])
    ]
    return Picture(str(content['imagePath']), size, path, regions)


def _rle(shape: dict, size: tuple[int, int], where: str) -> dict:
    kind, points = shape.get('shape_type') or 'polygon', shape['points']
    if kind == 'polygon':
        return from_polygons([[value for point in points for value in point]], size, where)
    if kind == 'mask':
        return from_mask(_placed(shape, size, where))
    if kind in ('rectangle', 'circle') and len(points) == 2:
        (x, y), (right, bottom) = points
        if kind == 'rectangle':
            corners = [x, y, right, y, right, bottom, x, bottom]
        else:
            radius = math.dist(*points)
            turns = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
            around = np.stack([x + radius * np.cos(turns), y + radius * np.sin(turns)], axis=1)
            corners = around.ravel().tolist()
        return from_polygons([corners], size, where)
    raise ValueError(
        f'{where}: a {kind} of {len(points)} points has no area: draw a polygon around the object'
    )


def _placed(shape: dict, size: tuple[int, int], where: str) -> np.ndarray:
    """A mask shape is a PNG that lies in its box."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(shape['mask']))) as picture:
            small = np.asarray(picture) > 0
    except (ValueError, OSError) as error:
        raise ValueError(f'{where}: its mask is damaged: {error}') from error
    left, top = (round(value) for value in shape['points'][0])
    whole = np.zeros(size, bool)
    window = whole[max(top, 0) : top + small.shape[0], max(left, 0) : left + small.shape[1]]
    if window.shape != small.shape:
        raise ValueError(f'{where}: its mask reaches beyond the image of {list(size)}')
    window[:] = small
    return whole
