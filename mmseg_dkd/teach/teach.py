"""Teaches a model new classes: from a folder of images to a model, its page and its certificate."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from ..annotations import Images
from ..export import export
from ..labels import check_names
from ..reports.certificate import certify, model_files
from ..reports.page import write_page
from ..runs import Run
from ..runs.step import config_file
from ..scenario import MOST_CLASSES
from .known import BACKGROUND, Known
from .recipe import KEEPS

CONFIG = 'teach.py'
RUN = 'run'
MODEL = 'model'
CERTIFICATE = 'certificate'
# The checkpoints of both steps, the one that is being written, the plain model and its ONNX.
ROOM = 6


@dataclass(frozen=True)
class Taught:
    """What teaching left.

    Attributes:
        results: Of both steps, as in results.json.
        exact: Whether no pixel went from one old class to another one.
        changes: Of each old class, where its pixels went (:meth:`.ModelPair.changes`).
    """

    results: list[dict]
    exact: bool
    changes: dict


def check_classes(known: Known, classes: Sequence[str], refresh: bool) -> None:
    """Refuse classes that cannot be learned.

    Args:
        known: The model.
        classes: What it is to be taught.
        refresh: Whether these are classes that it has.

    Raises:
        ValueError: If the model has one of them, or with ``refresh`` lacks one, or there are too
            many, or a name cannot be one.
    """
    if BACKGROUND in classes:
        raise ValueError(f'{BACKGROUND!r} is no class that can be taught: give another name')
    there = [name for name in classes if name in known.classes]
    if there and not refresh:
        raise ValueError(
            f'{there[0]!r} is a class of {known.checkpoint} already: teach a class that it does '
            'not know, or give the new one another name; to learn it anew from new images, give '
            '--refresh --keep learned'
        )
    if refresh and (lacking := [name for name in classes if name not in known.classes]):
        raise ValueError(
            f'--refresh: {known.checkpoint} has no class {lacking[0]!r}, it has '
            f'{", ".join(known.classes)}: leave --refresh out to teach it a new one'
        )
    check_names([*(() if refresh else known.classes), *classes])
    if len(known.classes_with(classes)) > MOST_CLASSES:
        raise ValueError(f'at most {MOST_CLASSES} classes fit into a mask')


def method_of(known: Known, keep: str, method: str | None, refresh: bool) -> str:
    """Name of the head that teaches.

    Args:
        known: The model.
        keep, method, refresh: As in :class:`.Wish`.

    Raises:
        ValueError: If it does not do what is asked for.
    """
    if refresh and keep == 'exact':
        raise ValueError(
            '--refresh changes a class that the model has, and --keep exact changes none: give '
            '--keep learned'
        )
    if refresh and not known.background:
        raise ValueError(
            f'--refresh: {known.checkpoint} has no background, so its softmax compares each class '
            'with all others, and none can be learned anew alone: train it with mmsegmentation'
        )
    chosen = method or KEEPS[keep]
    if method is None and keep == 'learned' and not known.background:
        # Eq. 12 asks whether any class is there, which such a model was never asked.
        chosen = 'MiBHead'
    if known.taken and chosen != KEEPS['exact']:
        raise ValueError(
            f'{known.checkpoint} was taught by --keep exact, and what it has beside its classifier '
            'can only be kept so: use --keep exact, or teach the model that was there before'
        )
    if (chosen == KEEPS['exact']) != (keep == 'exact'):
        raise ValueError(
            f'--method {chosen} with --keep {keep}: {KEEPS["exact"]} is the one that keeps old '
            'classes exactly'
        )
    return chosen


def check_room(known: Known, out: Path) -> None:
    """Say if the disk is too full for what will be written.

    Raises:
        OSError: If it is.
    """
    needed = ROOM * known.checkpoint.stat().st_size
    there = next(place for place in (out, *out.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise OSError(
            f'{out}: {free / 1e9:.1f} GB are free, {needed / 1e9:.1f} GB are needed: make room'
        )


def run(out: Path, known: Known, onnx: bool, images: Path, resume: bool) -> Taught:
    """Train both steps of ``out/teach.py``, and write the model, its page and its certificate.

    Args:
        out: The folder.
        known: The model that is taught.
        onnx: Whether to write ONNX, too.
        images: Folder of the images that the certificate compares.
        resume: Go on with what is finished.

    Raises:
        RuntimeError: As :meth:`.Run.run`.
    """
    trained = Run(Config.fromfile(out / CONFIG), out / RUN)
    results = trained.run([0, 1], resume=resume)
    for folder in (out / MODEL, out / CERTIFICATE):
        shutil.rmtree(folder, ignore_errors=True)
    step = Config.fromfile(config_file(out / RUN, 1))
    formats = ['mmseg', 'onnx'] if onnx else ['mmseg']
    export(step, trained.steps[1].checkpoint, out / MODEL, formats)
    write_page(out / RUN)
    old, new = (known.config, known.checkpoint), model_files(out / MODEL)
    pair, _ = certify(out / CERTIFICATE, old, new, Images([images]))
    return Taught(results, pair.exact, pair.changes())
