"""The labels of a folder, as data sets of the scenario that teaches their classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from mmengine.config import Config

from ..annotations import Images, write_masks
from ..annotations.images import size_of_image
from ..annotations.masks import DATASETS
from ..datasets.reading import read_labels
from ..labels import VOID
from .known import BACKGROUND, Known


@dataclass(frozen=True)
class Folder:
    """Images with masks of their own.

    Attributes:
        images: The images.
        masks: Where the masks are, with 0 for nothing, 1, 2, ... for classes and 255 for void.
        datasets: A ``LabelledFolder`` for each suffix of images.
        notes: What a person should know of the labels.
    """

    images: Images
    masks: Path
    datasets: list[dict]
    notes: list[str]

    @property
    def count(self) -> int:
        """How many images have a mask."""
        return sum(len(Path(part['ann_file']).read_text().splitlines()) for part in self.datasets)

    @property
    def share(self) -> float:
        """Share of the pixels, 0 to 1, that show a class."""
        masks = [read_labels(path) for path in self.masks.rglob('*.png')]
        return sum(((m > 0) & (m != VOID)).mean() for m in masks) / len(masks)

    @property
    def size(self) -> tuple[int, int]:
        """Median height and width of the images."""
        heights, widths = zip(*map(size_of_image, self.images.folder_of), strict=True)
        return round(median(heights)), round(median(widths))


def places(data: Path, labels: Path | None) -> tuple[Path, Path]:
    """Where the images are, and where their labels.

    Args:
        data: A folder of images with annotation files among them, or with the folders ``images``
            and ``masks``.
        labels: Where the labels are instead.

    Raises:
        FileNotFoundError: If there is no such folder.
    """
    for place in (data, labels):
        if place is not None and not place.exists():
            raise FileNotFoundError(f'{place}: no such file or folder')
    images = data / 'images' if (data / 'images').is_dir() else data
    masks = data / 'masks'
    return images, labels or (masks if masks.is_dir() else data)


def taught(
    known: Known,
    classes: Sequence[str],
    where: tuple[Path, Path],
    out: Path,
    others: str | None,
) -> Folder:
    """Masks of the new classes, written into ``out``.

    Args:
        known: The model.
        classes: The new classes.
        where: As :func:`places` gives it.
        out: A new folder for the masks.
        others: Images that no annotation speaks of (:func:`.write_masks`).

    Raises:
        ValueError: As :func:`.write_masks`.
    """
    images, labels = where
    found = Images([images])
    notes = write_masks(labels, found, out, classes, others)
    return Folder(found, out, _as_read(known, classes, out), notes[:-1])


def tested(
    known: Known, classes: Sequence[str], where: tuple[Path, Path], out: Path, others: str | None
) -> Folder:
    """Masks of all classes, written into ``out``, with the numbers of the new model's classes.

    Somebody looked for the new classes in these images, and for every old one that is labelled in
    one of them.

    Args:
        known, classes, where, out, others: As for :func:`taught`.

    Raises:
        ValueError: As :func:`.write_masks`.
    """
    images, labels = where
    found, everything = Images([images]), known.classes_with(classes)
    notes = write_masks(labels, found, out, everything, others, required=classes)
    return Folder(found, out, _as_read(known, classes, out), notes[:-1])


def _as_read(known: Known, classes: Sequence[str], out: Path) -> list[dict]:
    """The data sets of written masks, for a scenario of the old classes and the new ones."""
    everything = known.classes_with(classes)
    # Without a background, 0 says that a pixel is of a class that nobody labelled.
    nothing = BACKGROUND if known.background else 'void'
    names = [BACKGROUND, *everything] if known.background else everything
    palette = known.palette_with(classes)[not known.background :]
    datasets = []
    for part in Config.fromfile(out / DATASETS).to_dict()['datasets']:
        looked_for = part['labelled_for']
        values = {name: value for name, value in part['labels'].items() if name in looked_for}
        metainfo = dict(classes=names, palette=palette)
        datasets.append(dict(part, metainfo=metainfo, labels={nothing: 0} | values))
    return datasets
