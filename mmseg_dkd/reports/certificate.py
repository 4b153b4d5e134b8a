"""What changed from one model to the next, as files for whoever signs off a release."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

from ..datasets.reading import read_picture, read_whole
from ..evaluation.model_pair import ModelPair
from ..utils.atomic import new_folder
from .table import markdown


@dataclass(frozen=True)
class Changed:
    """An image, how many of its pixels changed, and what either model says."""

    pixels: int
    path: Path
    old: np.ndarray
    new: np.ndarray


def model_files(folder: Path) -> tuple[Path, Path]:
    """Config and checkpoint of a folder, as a step of a run or ``mmseg-dkd export`` leaves them.

    Raises:
        FileNotFoundError: If either is not there.
        ValueError: If there are several.
    """
    found = []
    for suffix in ('.py', '.pth'):
        files = sorted(folder.glob(f'*{suffix}'))
        if not files:
            raise FileNotFoundError(
                f'{folder} has no {suffix}: give the folder of a step, work_dirs/<run>/step_K, or '
                'one with a config and its checkpoint'
            )
        if len(files) > 1:
            names = ', '.join(file.name for file in files)
            raise ValueError(f'{folder} has {names}: leave one {suffix} in it')
        found += files
    return found[0], found[1]


def read_labels(image: Path) -> np.ndarray:
    """The mask of an image, uint8 ``[H, W]``.

    Args:
        image: Where the mask lies, with the suffix of the image.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it cannot be read whole.
    """
    path = image.with_suffix('.png')
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such mask: mmseg-dkd prepare-masks writes masks so')
    info = dict(seg_map_path=str(path), seg_fields=[], reduce_zero_label=False, label_map=None)
    return read_whole(str(path), info, LoadAnnotations(), 'gt_seg_map')


def write_certificate(
    out: Path,
    pair: ModelPair,
    files: Sequence[tuple[Path, Path]],
    most: Sequence[Changed],
    palettes: Sequence[Sequence[Sequence[int]]],
) -> dict[str, float]:
    """Write ``certificate.json`` and a picture of each of ``most``.

    Args:
        out: A new folder.
        pair: What was counted.
        files: Config and checkpoint of the old model, then of the new one.
        most: The images to be shown.
        palettes: Colours of the classes of either model.

    Returns:
        Points of IoU that each class of both models lost, negative where it gained.
    """
    iou = pair.iou() if any(counts.any() for counts in pair.confusion.values()) else {}
    falls = {
        name: either['old'] - (either['new'] or 0.0)
        for name, either in iou.items()
        if either['old'] is not None
    }
    content = dict(
        models={
            which: {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in both}
            for which, both in zip(('old', 'new'), files, strict=True)
        },
        images=pair.images,
        exact=pair.exact,
        classes=pair.changes(),
        iou=iou,
        most_changed={str(changed.path): changed.pixels for changed in most},
    )
    with new_folder(out) as whole:
        (whole / 'certificate.json').write_text(json.dumps(content, indent=1))
        for number, changed in enumerate(most):
            _picture(changed, palettes).save(whole / f'changed_{number}.png')
    return falls


def summary(pair: ModelPair) -> str:
    """A table: of each old class the pixels that stayed, that went to new and to old classes."""
    rows: dict[str, list[str]] = {}
    for name, found in pair.changes().items():
        gone: dict[str, int] = found['went_to']
        to_old = sum(count for other, count in gone.items() if other in pair.old)
        to_new = sum(gone.values()) - to_old
        counts = (found['pixels'], found['stayed'], to_new, to_old)
        rows[name] = [f'{count:,}' for count in counts]
    header = ['class of OLD', 'pixels', 'stayed', 'to new classes', 'to other old classes']
    return markdown(header, rows)


def _picture(changed: Changed, palettes: Sequence[Sequence[Sequence[int]]]) -> Image.Image:
    """Image, old and new prediction beside each other."""
    image = read_picture(str(changed.path))
    sheet = Image.new('RGB', (3 * image.width, image.height))
    sheet.paste(image)
    for place, (labels, palette) in enumerate(
        zip((changed.old, changed.new), palettes, strict=True), 1
    ):
        colours = np.asarray(palette, np.uint8)[labels]
        sheet.paste(Image.fromarray(colours), (place * image.width, 0))
    return sheet
