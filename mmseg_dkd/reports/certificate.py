"""What changed from one model to the next, as files for whoever signs off a release."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.utils import track_iter_progress
from mmseg.apis import inference_model, init_model
from PIL import Image

from ..annotations.images import Images, size_of_image
from ..datasets.reading import read_labels, read_picture
from ..evaluation.model_pair import ModelPair
from ..utils.atomic import new_folder
from .table import markdown

SHOWN = 4


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
    weights = _only(folder, '.pth')
    beside = weights.with_suffix('.py')
    # Modules of an exported model may lie there, too.
    return (beside if beside.is_file() else _only(folder, '.py')), weights


def _only(folder: Path, suffix: str) -> Path:
    files = sorted(folder.glob(f'*{suffix}'))
    if not files:
        raise FileNotFoundError(
            f'{folder} has no {suffix}: give the folder of a step, work_dirs/<run>/step_K, or one '
            'with a config and its checkpoint'
        )
    if len(files) > 1:
        names = ', '.join(file.name for file in files)
        raise ValueError(f'{folder} has {names}: leave one {suffix} in it')
    return files[0]


def certify(
    out: Path,
    old: tuple[Path, Path],
    new: tuple[Path, Path],
    images: Images,
    masks: Path | None = None,
    device: str | None = None,
) -> tuple[ModelPair, dict[str, float]]:
    """Let two models predict images, and write what changed: ``certificate.json``, and pictures of
    the images in which most pixels did.

    Args:
        out: A new folder.
        old, new: Config and checkpoint of either model.
        images: The images.
        masks: Folder of their masks, as :func:`.write_masks` lays them out, with the numbers of the
            new model's classes and 255 for void.
        device: Where the models run; CUDA where there is one if omitted.

    Returns:
        What was counted, and the points of IoU that each class of both models lost, negative where
        it gained.

    Raises:
        FileExistsError: If there is something at ``out``.
        FileNotFoundError: If an image has no mask.
        ValueError: If an image or a mask cannot be read, or does not fit the other.
    """
    device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    models = [
        init_model(Config.fromfile(config), str(checkpoint), device=device)
        for config, checkpoint in (old, new)
    ]
    classes = [list(model.dataset_meta['classes']) for model in models]
    pair = ModelPair(old=classes[0], new=classes[1])
    most: list[Changed] = []
    for path in track_iter_progress(list(images.folder_of)):
        # mmseg would fail without naming the file.
        size_of_image(path)
        before, after = (
            inference_model(model, str(path)).pred_sem_seg.data[0].cpu().numpy() for model in models
        )
        truth = None if masks is None else _truth(masks / images.name_of(path))
        try:
            pixels = pair.add(before, after, truth)
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from error
        most = sorted([*most, Changed(pixels, path, before, after)], key=lambda c: -c.pixels)[
            :SHOWN
        ]
    palettes = [model.dataset_meta['palette'] for model in models]
    return pair, _write(out, pair, (old, new), most, palettes)


def _truth(image: Path) -> np.ndarray:
    path = image.with_suffix('.png')
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such mask: mmseg-dkd prepare-masks writes masks so')
    return read_labels(path)


def _write(
    out: Path,
    pair: ModelPair,
    files: Sequence[tuple[Path, Path]],
    most: Sequence[Changed],
    palettes: Sequence[Sequence[Sequence[int]]],
) -> dict[str, float]:
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
