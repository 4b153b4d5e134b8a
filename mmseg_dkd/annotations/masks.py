"""Masks of annotated images, as a data set of mmsegmentation reads them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config
from PIL import Image

from ..labels import VOID, check_names
from ..scenario import MOST_CLASSES
from ..utils.atomic import new_folder, refuse_existing
from .formats import read_annotations
from .images import Images, size_of_image
from .picture import BACKGROUND, VOID_REGION, Picture, to_mask

DATASETS = 'datasets.py'


def write_masks(
    where: Path,
    images: Images,
    out: Path,
    classes: Sequence[str],
    others: str | None = None,
    required: Sequence[str] | None = None,
) -> list[str]:
    """Write a mask for every annotated image, lists of them, and a config of the data sets.

    A mask has 0 where none of the classes is, and 1, 2, ... for the classes as given. It lies in
    ``out`` below the name of its image's folder, as the image lies in that. ``out/datasets.py``
    has the :class:`.LabelledFolder` of each folder and suffix, to be used as a base of a config.

    Args:
        where: The annotations (:func:`.read_annotations`).
        images: The images.
        out: A new folder.
        classes: Names of the classes that masks shall have.
        others: Images that no annotation speaks of: ``'empty'``, none of the classes is in them;
            ``'skip'``, nobody looked, and they get no mask.
        required: Those of the classes that must be somewhere; all if omitted. Of the others, those
            that are nowhere are taken for classes that nobody looked for.

    Returns:
        What a person should know, a line each.

    Raises:
        ValueError: If the classes are too many or have wrong names, one of them is in no
            annotation, an image is annotated twice or has another size, no annotation is of these
            images, or images without annotation are not said to be something. Nothing is written
            then.
        FileExistsError: If there is something at ``out``.
    """
    refuse_existing(out)
    check_names([BACKGROUND, *classes])
    if len(classes) > MOST_CLASSES:
        raise ValueError(f'{len(classes)} classes: masks have room for {MOST_CLASSES}')
    pictures = read_annotations(where, images.size_of, classes)
    found, notes = _matched(pictures, images, where)
    notes += _check_classes(found.values(), classes, required, where)
    rest = [path for path in images.folder_of if path not in found]
    if rest and others is None:
        raise ValueError(
            f'{where} says nothing of {len(rest)} images, such as {rest[0]}: say by --others empty '
            'that none of the classes is in them, or by --others skip that nobody looked'
        )
    if rest:
        notes.append(f'{len(rest)} images without annotation: {others}')
    drawn: dict[Path, Picture | None] = dict(found)
    if others == 'empty':
        drawn |= dict.fromkeys(rest)
    claimed: Counter[tuple[str, str]] = Counter()
    with new_folder(out) as whole:
        for path, picture in sorted(drawn.items()):
            mask = draw(picture, size_of_image(path), classes, claimed)
            target = whole / images.name_of(path).with_suffix('.png')
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save(target)
        shown = {region.name for picture in found.values() for region in picture.regions}
        looked_for = [n for n in classes if required is None or n in required or n in shown]
        _write_datasets(whole, out, images, sorted(drawn), classes, looked_for)
    notes += [
        f'{count} pixels are of {back} and of {front}: {front} lies in front'
        for (back, front), count in sorted(claimed.items())
    ]
    return [*notes, f'{len(drawn)} masks in {out}, and their data sets in {out / DATASETS}']


def _write_datasets(
    whole: Path,
    out: Path,
    images: Images,
    paths: Sequence[Path],
    classes: Sequence[str],
    looked_for: Sequence[str],
) -> None:
    """Lists of the images of each folder and suffix, and the data sets that read by them."""
    groups: dict[tuple[Path, str], list[str]] = defaultdict(list)
    for path in paths:
        folder = images.folder_of[path]
        groups[folder, path.suffix].append(path.relative_to(folder).with_suffix('').as_posix())
    datasets = []
    for (folder, suffix), names in groups.items():
        listed = f'{folder.resolve().name}{suffix.replace(".", "_")}.txt'
        (whole / listed).write_text(''.join(f'{name}\n' for name in names))
        datasets.append(
            dict(
                type='LabelledFolder',
                metainfo=dict(classes=[BACKGROUND, *classes]),
                labels={name: value for value, name in enumerate([BACKGROUND, *classes])},
                labelled_for=list(looked_for),
                data_prefix=dict(
                    img_path=str(folder.resolve()),
                    seg_map_path=str(out.resolve() / folder.resolve().name),
                ),
                ann_file=str(out.resolve() / listed),
                img_suffix=suffix,
            )
        )
    text = Config(dict(datasets=datasets)).pretty_text
    (whole / DATASETS).write_text(f'# Written by mmseg-dkd prepare-masks.\n{text}')


def draw(
    picture: Picture | None,
    size: tuple[int, int],
    classes: Sequence[str],
    claimed: Counter[tuple[str, str]],
) -> np.ndarray:
    """The mask of a picture, uint8 ``[H, W]``: 0, or one more than the place of the class.

    A region called background, with which holes are drawn, makes 0 of what lies behind it, and one
    called void 255.

    Args:
        picture: None for nothing.
        size: Height and width.
        classes: The classes that count.
        claimed: Counts the pixels that a class takes from another one.
    """
    mask, names = np.zeros(size, np.uint8), [BACKGROUND, *classes]
    labels = {name: value for value, name in enumerate(names)} | {VOID_REGION: VOID}
    for region in picture.regions if picture else ():
        if region.name not in labels:
            continue
        label, pixels = labels[region.name], to_mask(region)
        for value, count in Counter(mask[pixels].tolist()).items():
            if not {0, VOID} & {value, label} and value != label:
                claimed[names[value], region.name] += count
        mask[pixels] = label
    return mask


def _matched(
    pictures: Iterable[Picture], images: Images, where: Path
) -> tuple[dict[Path, Picture], list[str]]:
    """The picture of each image that has one, and notes."""
    found: dict[Path, Picture] = {}
    absent = []
    for picture in pictures:
        path = images.find(picture.image)
        if path is None:
            absent.append(picture)
            continue
        if path in found:
            raise ValueError(
                f'{path} is annotated twice, in {found[path].source} and {picture.source}: delete '
                'one, or put all shapes into one'
            )
        if picture.size not in (None, size_of_image(path)):
            raise ValueError(
                f'{picture.source}: {picture.image} is {picture.size} there, but {path} is '
                f'{size_of_image(path)} (height, width): give the images that were annotated'
            )
        found[path] = picture
    if not found:
        raise ValueError(
            f'{where} speaks of other images, such as {absent[0].image}: none of them is in '
            f'{", ".join(map(str, sorted(set(images.folder_of.values()))))}'
        )
    first = [picture.image for picture in absent[:1]]
    return found, [f'{len(absent)} annotated images are not there, such as {n}' for n in first]


def _check_classes(
    pictures: Iterable[Picture],
    classes: Sequence[str],
    required: Sequence[str] | None,
    where: Path,
) -> list[str]:
    counts = Counter(region.name for picture in pictures for region in picture.regions)
    needed = classes if required is None else required
    if missing := [name for name in needed if name not in counts]:
        raise ValueError(
            f'{where}: {missing[0]!r} is in no image; there are '
            f'{", ".join(f"{name} ({n})" for name, n in sorted(counts.items())) or "no shapes"}'
        )
    surplus = sorted(counts.keys() - {BACKGROUND, VOID_REGION, *classes})
    return [f'{name}: {counts[name]} shapes are left out, not being asked for' for name in surplus]
