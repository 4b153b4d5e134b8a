"""One image as an annotation file describes it, and outlines as pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

# A region of this name makes a hole in what lies behind it.
BACKGROUND = 'background'
# What is of no class and of no score.
VOID_REGION = 'void'


@dataclass(frozen=True)
class Region:
    """Pixels of one class: ``rle`` is pycocotools' run-length mask, of the size of the image."""

    name: str
    rle: dict


@dataclass(frozen=True)
class Picture:
    """What is known of an image.

    Attributes:
        image: Its path as the file gives it.
        size: Height and width that the file tells; None where it tells none.
        source: The file that describes it, for messages.
        regions: What is labelled in it, later ones in front. None at all says that nobody found
            anything, which is a label, too.
    """

    image: str
    size: tuple[int, int] | None
    source: Path
    regions: Sequence[Region] = field(default=())


def from_polygons(polygons: Sequence[Sequence[float]], size: tuple[int, int], where: str) -> dict:
    """Run-length mask of the union of polygons.

    Args:
        polygons: ``x1, y1, x2, y2, ...`` in pixels, each.
        size: Height and width of the image.
        where: What they belong to, for messages.

    Raises:
        ValueError: If a polygon has fewer than three points, or half a point.
    """
    from pycocotools import mask as coco_mask

    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2:
            raise ValueError(
                f'{where}: a polygon of {len(polygon)} numbers has no area: it needs x and y of '
                'at least three points'
            )
    if not polygons:
        raise ValueError(f'{where}: there is no polygon in it: delete the annotation')
    parts = coco_mask.frPyObjects([[float(v) for v in p] for p in polygons], *size)
    return coco_mask.merge(parts)


def from_mask(mask: np.ndarray) -> dict:
    """Run-length mask of a bool array ``[H, W]``."""
    from pycocotools import mask as coco_mask

    return coco_mask.encode(np.asfortranarray(mask, np.uint8))


def to_mask(region: Region) -> np.ndarray:
    """The pixels of a region, bool ``[H, W]``."""
    from pycocotools import mask as coco_mask

    return coco_mask.decode(region.rle).astype(bool)
