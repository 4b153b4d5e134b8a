"""Which annotation program wrote a file, and the reader of its format."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from . import coco, cvat, labelme, pngs, yolo
from .picture import Picture

KNOWN = (
    'a COCO file (.json), a folder of labelme files (.json), a "CVAT for images 1.1" file (.xml), '
    'a YOLO folder with data.yaml and labels/*.txt, or a folder of masks (.png)'
)


def read_annotations(
    where: Path, size_of: Callable[[str], tuple[int, int] | None], classes: Sequence[str]
) -> list[Picture]:
    """The pictures that annotations speak of, whatever the program.

    Args:
        where: ``KNOWN`` says what it may be.
        size_of: Height and width of the image of a name without suffix, for YOLO, whose numbers
            are shares of the image; None if there is no such image.
        classes: Names of the values of masks that come without names (:mod:`.pngs`).

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If it is none of these, or something in it is wrong.
    """
    if not where.exists():
        raise FileNotFoundError(f'{where}: no such file or folder')
    if where.is_dir():
        if yolo.names_file(where):
            return yolo.read(where, size_of)
        files = sorted(where.rglob('*.json'))
        if not files and not any(where.rglob('*.xml')):
            return pngs.read(where, classes)
    else:
        files = [where]
    pictures = [picture for file in files for picture in _of_file(file)]
    if not pictures:
        raise ValueError(f'{where} has no annotations that are known: it may be {KNOWN}')
    return pictures


def _of_file(path: Path) -> list[Picture]:
    # The readers say what is wrong in a file, and here it is named: also in errors of numpy.
    try:
        if path.suffix.lower() == '.xml':
            return cvat.read(path)
        if path.suffix.lower() == '.json':
            return _of_json(path)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f'{path}: {type(error).__name__}: {error}: it is damaged') from error
    return []


def _of_json(path: Path) -> list[Picture]:
    try:
        content = json.loads(path.read_text('utf-8-sig'))
    except (ValueError, RecursionError) as error:
        raise ValueError(f'it is no JSON: {error}') from error
    keys = content.keys() if isinstance(content, dict) else ()
    if {'images', 'categories'} <= set(keys):
        return coco.read(path, content)
    if {'shapes', 'imagePath'} <= set(keys):
        return [labelme.read(path, content)]
    raise ValueError(
        'it is neither COCO (images, annotations, categories) nor labelme (shapes, '
        f'imagePath): it has {sorted(keys)[:8]}'
    )
