"""Write composed scenes as folders in PASCAL VOC layout.

A seed gives the same masks on every machine; the bytes of the JPEG images depend on the JPEG
encoder in use.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from ...labels import VOID
from .compose import (
    FIT,
    HELD,
    NUM_CLASSES,
    NUM_KINDS,
    TRAIN,
    VAL,
    Pool,
    compose_scene,
    draw_kinds,
)

# Raise it with every change that alters a written pixel, or old folders pass for current ones.
RECIPE_VERSION = 1


def write_fashion_voc(
    root: str | os.PathLike[str], train: int = 800, val: int = 200, size: int = 128, seed: int = 0
) -> bool:
    """Write the embedded demo set: 8 classes (label ids 1-8), background 0, no void.

    The folder holds ``JPEGImages/*.jpg``, ``SegmentationClass/*.png`` and the lists
    ``ImageSets/Segmentation/{train,val,train_fit,train_held}.txt``. The last two split the training
    scenes 80 to 20, for choosing a schedule without looking at the validation scenes. No product
    occurs in two of train_fit, train_held and val; train and val share no background.

    Args:
        root: folder to create; its parents are created too.
        train: number of training scenes, at least 5.
        val: number of validation scenes, at least 1.
        size: side of the square scenes in pixels, at least 32.
        seed: 0 to 2**32 - 1.

    Returns:
        True if the set was written, False if ``root`` holds it already.

    Raises:
        ValueError: a number is below its minimum.
        FileExistsError: ``root`` holds anything else.
    """
    for name, value, least in (('train', train, 5), ('val', val, 1), ('size', size, 32)):
        if value < least:
            raise ValueError(f'{name} must be at least {least}, got {value}')

    def fill(folder: Path) -> None:
        train_ids = [f'train_{index:05d}' for index in range(train)]
        val_ids = [f'val_{index:05d}' for index in range(val)]
        fit_ids, held_ids = train_ids[: train * 4 // 5], train_ids[train * 4 // 5 :]
        parts = (FIT, fit_ids), (HELD, held_ids), (VAL, val_ids)
        _write_scenes(folder, parts, NUM_CLASSES, [(size, size)], seed)
        _write_lists(folder, train=train_ids, val=val_ids, train_fit=fit_ids, train_held=held_ids)

    recipe = {'name': 'fashion', 'train': train, 'val': val, 'size': size, 'seed': seed}
    return write_once(Path(root), recipe, fill)


def write_voc_like(
    root: str | os.PathLike[str],
    train: int = 60,
    val: int = 20,
    num_classes: int = 20,
    size: tuple[int, int] = (375, 500),
    seed: int = 0,
) -> bool:
    """Write a stand-in for the augmented PASCAL VOC 2012, in the layout mmsegmentation expects.

    The classes (label ids 1 to ``num_classes``) are the product classes in up to four orientations;
    a void contour (255) of 3 pixels surrounds the objects. The first half of the training scenes is
    listed in ``train.txt``, the other half in ``aug.txt`` with masks in ``SegmentationClassAug``
    only, which holds the masks of all scenes; ``trainaug.txt`` lists both halves. Each class occurs
    in at least 3 training scenes and 1 validation scene.

    Args:
        root: folder to create (the counterpart of ``VOCdevkit/VOC2012``).
        train: number of training scenes, at least ``3 * num_classes``.
        val: number of validation scenes, at least ``num_classes``.
        num_classes: 1 to 32.
        size: height and width in pixels, each at least 96, of three scenes in five; one in five
            has them swapped and one is also narrower (500 x 333 for the default).
        seed: 0 to 2**32 - 1.

    Returns:
        True if the set was written, False if ``root`` holds it already.

    Raises:
        ValueError: a number is out of its range.
        FileExistsError: ``root`` holds anything else.
    """
    height, width = size
    if not 1 <= num_classes <= NUM_KINDS:
        raise ValueError(f'num_classes must be in 1 to {NUM_KINDS}, got {num_classes}')
    if train < 3 * num_classes or val < num_classes:
        raise ValueError(
            f'{num_classes} classes need train >= {3 * num_classes} and val >= {num_classes}, '
            f'got {train} and {val}'
        )
    if min(size) < 96:
        raise ValueError(f'size must be at least 96 x 96, got {size}')
    shapes = [(height, width)] * 3 + [(width, height), (width, height * 8 // 9)]

    def fill(folder: Path) -> None:
        ids = [f'2012_{index:06d}' for index in range(train + val)]
        train_ids, aug_ids, val_ids = ids[: train // 2], ids[train // 2 : train], ids[train:]
        parts = (TRAIN, ids[:train]), (VAL, val_ids)
        _write_scenes(folder, parts, num_classes, shapes, seed, void=True)
        shutil.copytree(folder / 'SegmentationClass', folder / 'SegmentationClassAug')
        for name in aug_ids:
            (folder / 'SegmentationClass' / f'{name}.png').unlink()
        _write_lists(folder, train=train_ids, aug=aug_ids, trainaug=ids[:train], val=val_ids)

    recipe = {'name': 'voc_like', 'train': train, 'val': val, 'num_classes': num_classes}
    return write_once(Path(root), {**recipe, 'size': list(size), 'seed': seed}, fill)


def voc_palette() -> list[int]:
    """Return PASCAL VOC's 256 colours as 768 values, three (red, green, blue) for each id."""
    return [
        sum((index >> (3 * bit + channel) & 1) << (7 - bit) for bit in range(3))
        for index in range(256)
        for channel in range(3)
    ]


def add_void(label: np.ndarray) -> np.ndarray:
    """Return uint8 [H, W] ``label`` with a contour of 3 pixels of 255 where ids meet."""
    contour = cv2.morphologyEx(label, cv2.MORPH_GRADIENT, np.ones((4, 4), np.uint8))
    return np.where(contour > 0, np.uint8(VOID), label)


def _write_scenes(
    folder: Path,
    parts: Sequence[tuple[Pool, Sequence[str]]],
    num_kinds: int,
    shapes: Sequence[tuple[int, int]],
    seed: int,
    void: bool = False,
) -> None:
    """Compose the scenes of each part from its pool, cycling through ``shapes``."""
    for name in ('JPEGImages', 'SegmentationClass'):
        (folder / name).mkdir()
    palette = voc_palette()
    for part, (pool, ids) in enumerate(parts):
        # A stream for each part: a larger training set leaves the validation scenes unchanged.
        rng = np.random.RandomState([seed, part])
        chosen = draw_kinds(rng, len(ids), num_kinds)
        for index, (name, kinds) in enumerate(zip(ids, chosen, strict=True)):
            image, label = compose_scene(rng, kinds, pool, shapes[index % len(shapes)])
            Image.fromarray(image).save(folder / 'JPEGImages' / f'{name}.jpg', quality=95)
            mask = Image.fromarray(add_void(label) if void else label)
            mask.putpalette(palette)
            mask.save(folder / 'SegmentationClass' / f'{name}.png')


def _write_lists(folder: Path, **lists: Sequence[str]) -> None:
    target = folder / 'ImageSets' / 'Segmentation'
    target.mkdir(parents=True)
    for name, ids in lists.items():
        (target / f'{name}.txt').write_text(''.join(f'{entry}\n' for entry in ids))


def _count_pictures(root: Path) -> int:
    return sum(path.suffix in ('.jpg', '.png') for path in root.rglob('*'))


def _holds(root: Path, recipe: dict[str, Any]) -> bool:
    try:
        noted = json.loads((root / 'DEMO.json').read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return False
    return noted == {**recipe, 'pictures': _count_pictures(root)}


def write_once(root: Path, recipe: dict[str, Any], fill: Callable[[Path], None]) -> bool:
    """Let ``fill`` write into a new folder that becomes ``root`` only when it is complete.

    Args:
        root: The folder.
        recipe: What decides its content; noted in it.
        fill: Called with the folder to write into.

    Returns:
        True if it was written, False if ``root`` holds it already.

    Raises:
        FileExistsError: ``root`` holds anything else.
    """
    # The target of a symbolic link is replaced, never the link.
    root = root.resolve()
    recipe = {**recipe, 'version': RECIPE_VERSION}
    if _holds(root, recipe):
        return False
    if root.exists() and not (root.is_dir() and not any(root.iterdir())):
        raise FileExistsError(
            f'{root} holds something other than the complete data set {recipe}: '
            'delete it or choose another folder'
        )
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f'.{root.name}.', dir=root.parent) as workplace:
        # A folder inside, as the temporary folder itself is closed to other users.
        draft = Path(workplace, root.name)
        draft.mkdir()
        fill(draft)
        noted = {**recipe, 'pictures': _count_pictures(draft)}
        (draft / 'DEMO.json').write_text(json.dumps(noted, indent=2) + '\n')
        # Windows renames onto no existing folder, not even onto an empty one.
        if root.exists():
            root.rmdir()
        draft.rename(root)
    return True
