"""Label maps as outlines that annotation programs can edit."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from .picture import from_mask


@dataclass(frozen=True)
class Outline:
    """A connected part of a class, without its holes.

    Attributes:
        name: The class.
        points: Its border in pixels, ``[n, 2]`` x and y.
        corner: Row and column of the upper left corner of its box.
        mask: The part itself within its box, holes left out, bool ``[h, w]``.
    """

    name: str
    points: np.ndarray
    corner: tuple[int, int]
    mask: np.ndarray

    def whole(self, size: tuple[int, ...]) -> np.ndarray:
        """The part in an image of this height and width, bool ``[H, W]``."""
        (top, left), (height, width) = self.corner, self.mask.shape
        placed = np.zeros(size, bool)
        placed[top : top + height, left : left + width] = self.mask
        return placed


def outlines(labels: np.ndarray, names: Sequence[str], unnamed: Sequence[str]) -> list[Outline]:
    """The outlines of a label map, larger ones first.

    Filled one after the other, they give the label map to the pixel: what lies in a hole comes
    later and covers it.

    Args:
        labels: int ``[H, W]``.
        names: Of the labels.
        unnamed: Names of which only holes are outlined, such as background.
    """
    found = []
    for label in np.unique(labels):
        part = (labels == label).astype(np.uint8)
        _, parts, boxes, _ = cv2.connectedComponentsWithStats(part, connectivity=4)
        # Box 0 is of what is not the label.
        for number, (left, top, width, height, _) in enumerate(boxes.tolist()[1:], 1):
            bottom, right = top + height, left + width
            inside = min(top, left) > 0 and bottom < labels.shape[0] and right < labels.shape[1]
            if names[label] in unnamed and not inside:
                continue
            mask = parts[top:bottom, left:right] == number
            area, border = _border(mask)
            shape = Outline(names[label], border + (left, top), (top, left), mask)
            found.append((area, shape))
    return [shape for _, shape in sorted(found, key=lambda each: -each[0])]


def _border(mask: np.ndarray) -> tuple[float, np.ndarray]:
    """Area within the border of a connected mask, holes included, and its points.

    Pixels are halved, so that the border runs within the pixels and not through their centres,
    where it is open on which side they lie.
    """
    halves = mask.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    (border,), _ = cv2.findContours(halves, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return cv2.contourArea(border), (border[:, 0] + 0.5) / 2


class Writer:
    """Writes label maps in one of three formats.

    Args:
        kind: ``'png'``, ``'labelme'`` or ``'coco'``.
        folder: Where to.
        names: Of the labels.
        unnamed: Names that have no shape, such as background.
    """

    def __init__(
        self, kind: str, folder: Path, names: Sequence[str], unnamed: Sequence[str]
    ) -> None:
        self.kind, self.folder, self.names, self.unnamed = kind, folder, names, unnamed
        self._coco = _Coco([name for name in names if name not in unnamed])

    def add(self, labels: np.ndarray, image: Path, seen: str) -> None:
        """Write what belongs to one image.

        Args:
            labels: int ``[H, W]``, 0 to 255.
            image: Name of the image, below which its file lies.
            seen: Path of the image as seen from that file, which labelme wants.
        """
        target = self.folder / image
        if self.kind == 'png':
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(labels.astype(np.uint8)).save(target.with_suffix('.png'))
            return
        shapes = outlines(labels, self.names, self.unnamed)
        if self.kind == 'coco':
            self._coco.add(image.as_posix(), labels.shape, shapes)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        content = _labelme(seen, labels.shape, shapes)
        target.with_suffix('.json').write_text(json.dumps(content))

    def finish(self) -> None:
        """Write what belongs to all images together."""
        if self.kind == 'png':
            text = ''.join(f'{name}\n' for name in self.names)
            (self.folder / 'classes.txt').write_text(text)
        elif self.kind == 'coco':
            (self.folder / 'annotations.json').write_text(json.dumps(self._coco.content))


def _labelme(image: str, size: tuple[int, ...], shapes: list[Outline]) -> dict:
    """A labelme file of polygons, the last one in front."""
    return dict(
        version='5.0.0',
        flags={},
        shapes=[
            dict(
                label=shape.name,
                points=shape.points.tolist(),
                group_id=None,
                shape_type='polygon',
                flags={},
            )
            for shape in shapes
        ],
        imagePath=image,
        imageData=None,
        imageHeight=size[0],
        imageWidth=size[1],
    )


class _Coco:
    """Collects a COCO file of run-length masks; ``names`` are the categories, from 1 on."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        categories = [dict(id=number, name=name) for number, name in enumerate(names, 1)]
        self.content: dict[str, list] = dict(images=[], annotations=[], categories=categories)

    def add(self, image: str, size: tuple[int, ...], shapes: list[Outline]) -> None:
        image_id = 1 + len(self.content['images'])
        described = dict(id=image_id, file_name=image, height=size[0], width=size[1])
        self.content['images'].append(described)
        for shape in shapes:
            if shape.name not in self.names:
                continue
            rle = from_mask(shape.whole(size))
            left, top = np.floor(shape.points.min(0)).tolist()
            right, bottom = np.ceil(shape.points.max(0)).tolist()
            self.content['annotations'].append(
                dict(
                    id=1 + len(self.content['annotations']),
                    image_id=image_id,
                    category_id=1 + self.names.index(shape.name),
                    iscrowd=0,
                    area=int(shape.mask.sum()),
                    bbox=[left, top, right - left, bottom - top],
                    segmentation=dict(size=list(size), counts=rle['counts'].decode()),
                )
            )
