"""YOLO's text files for segmentation: one an image, a polygon a line, in shares of the image."""

from collections.abc import Callable
from pathlib import Path

import yaml

from .picture import Picture, Region, from_polygons

NAMES = ('data.yaml', 'dataset.yaml')


def names_file(folder: Path) -> Path | None:
    """The file of a YOLO folder that names the classes, if it has one."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def read(folder: Path, size_of: Callable[[str], tuple[int, int] | None]) -> list[Picture]:
    """The pictures of the ``labels`` of a YOLO folder.

    Args:
        folder: Holds ``data.yaml`` and, somewhere below a folder ``labels`` or itself, the files.
        size_of: Height and width of the image of this name without suffix; None if there is none.

    Raises:
        ValueError: If the classes have no names, or a line is no polygon of one of them.
    """
    named = names_file(folder)
    names = yaml.safe_load(named.read_text('utf-8-sig')).get('names') if named else None
    names = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(names, dict):
        raise ValueError(f'{named or folder}: there are no names of classes: write names: [...]')
    labels = folder / 'labels' if (folder / 'labels').is_dir() else folder
    pictures = []
    for path in sorted(labels.rglob('*.txt')):
        image = path.relative_to(labels).with_suffix('').as_posix()
        size = size_of(image)
        lines = enumerate(path.read_text('utf-8-sig').splitlines(), 1)
        regions = [
            _region(line.split(), names, size, f'{path}, line {number}')
            for number, line in lines
            if line.strip() and size is not None
        ]
        pictures.append(Picture(image, size, path, regions))
    return pictures


def _region(fields: list[str], names: dict, size: tuple[int, int], where: str) -> Region:
    try:
        kind, shares = int(fields[0]), [float(field) for field in fields[1:]]
    except ValueError as error:
        raise ValueError(f'{where}: {error}: write a class and x y of each point') from error
    if kind not in names:
        raise ValueError(f'{where}: class {kind} has no name; there are {sorted(names)}')
    if len(shares) == 4:
        raise ValueError(f'{where}: this is a box, which labels no pixels: export polygons')
    height, width = size
    points = [share * (height if place % 2 else width) for place, share in enumerate(shares)]
    return Region(str(names[kind]), from_polygons([points], size, where))
