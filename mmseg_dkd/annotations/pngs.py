"""A folder of masks whose values are classes: grey or palette PNG files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..datasets.reading import read_labels
from ..labels import VOID
from .picture import BACKGROUND, VOID_REGION, Picture, Region, from_mask

NAMES = 'classes.txt'


def read(folder: Path, classes: Sequence[str]) -> list[Picture]:
    """The pictures of a folder of masks.

    What a value means stands in ``classes.txt``, if the folder has one: the name of 0 in its first
    line, and so on. Else 0 is nothing, and 1, 2, ... are the classes as given; masks of 0 and 255
    alone show the only class. 255 is void otherwise.

    Args:
        folder: Holds, in itself and below, a mask for each image, of the image's name.
        classes: Names of the classes.

    Raises:
        ValueError: If a mask cannot be read, or has a value that means nothing; it names the file.
    """
    listed = folder / NAMES
    names = [BACKGROUND, *classes]
    if listed.is_file():
        names = listed.read_text('utf-8-sig').splitlines()
    meaning = dict(enumerate(names)) | {VOID: VOID_REGION}
    masks = {path: read_labels(path) for path in sorted(folder.rglob('*.png'))}
    if len(classes) == 1 and not listed.is_file():
        shown = {int(value) for mask in masks.values() for value in np.unique(mask)}
        if shown <= {0, VOID}:
            meaning[VOID] = classes[0]
    pictures = []
    for path, mask in masks.items():
        regions = []
        for value in np.unique(mask).tolist():
            if value not in meaning:
                raise ValueError(
                    f'{path}: the value {value} means nothing: there are 0 to {len(names) - 1} for '
                    f'{", ".join(names)}; a {NAMES} beside the masks may name others, one a line'
                )
            if meaning[value] != BACKGROUND:
                regions.append(Region(meaning[value], from_mask(mask == value)))
        name = path.relative_to(folder).with_suffix('').as_posix()
        pictures.append(Picture(name, mask.shape[:2], path, regions))
    return pictures
