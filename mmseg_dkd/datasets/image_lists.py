"""Lists and folders of images: how a list is read, and what is missed or there twice."""

import codecs
import inspect
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.fileio import LocalBackend, list_dir_or_file, register_backend
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

if TYPE_CHECKING:
    from .step_dataset import StepDataset

SHOWN = 3


@register_backend('text_of_any_editor')
class TextBackend(LocalBackend):
    """Reads text as editors on Windows save it, too: with a byte order mark, in UTF-16, with blank
    lines."""

    def get_text(self, filepath: str | Path, encoding: str = 'utf-8') -> str:
        """The lines that are not blank, each with a line feed behind it.

        Raises:
            ValueError: If the file is in neither UTF-8 nor, by its mark, UTF-16.
        """
        data = self.get(filepath)
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = 'utf-16'
        elif encoding == 'utf-8':
            encoding = 'utf-8-sig'
        try:
            lines = data.decode(encoding).splitlines()
        except UnicodeDecodeError as error:
            raise ValueError(f'{filepath} is no text: {error}: save it as UTF-8') from error
        return ''.join(f'{line}\n' for line in lines if line.strip())


def by_any_editor(part: dict) -> dict:
    """The config of a data set of mmseg, such that its list of images is read by
    :class:`TextBackend`; it stays as it is where it names a backend."""
    kind = part.get('type')
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    readable = inspect.isclass(kind) and issubclass(kind, BaseSegDataset)
    if not readable or not part.get('ann_file') or part.get('backend_args'):
        return part
    return dict(part, backend_args=dict(backend='text_of_any_editor'))


def masks_without_image(part: BaseSegDataset) -> list[str]:
    """Of a data set without a list: masks whose image has another suffix, or is not there.

    Returns:
        Paths below the folder of the masks, sorted.
    """
    masks = part.data_prefix.get('seg_map_path')
    if part.ann_file or not masks:
        return []

    def names(folder: str, suffix: str) -> set[str]:
        files = list_dir_or_file(
            folder, list_dir=False, suffix=suffix, recursive=True, backend_args=part.backend_args
        )
        return {file[: len(file) - len(suffix)] for file in files}

    missed = names(masks, part.seg_map_suffix)
    missed -= names(part.data_prefix['img_path'], part.img_suffix)
    return sorted(name + part.seg_map_suffix for name in missed)


def notes_of(train: 'StepDataset', test: 'StepDataset') -> list[str]:
    """In words, what a step's training and test images miss or have twice."""
    notes = []
    trained, tested = train.places, test.places
    for kind, places in dict(training=trained, test=tested).items():
        if twice := [image for (image, _), count in Counter(places).items() if count > 1]:
            notes.append(f'{kind} images that are there more than once: {_few(twice)}')
    if both := sorted({image for image, _ in trained} & {image for image, _ in tested}):
        notes.append(
            f'images that are both trained on and tested, which makes scores too good: {_few(both)}'
        )
    for part in (*train.parts, *test.parts):
        if isinstance(part, BaseSegDataset) and (lone := masks_without_image(part)):
            notes.append(
                f'masks in {part.data_prefix["seg_map_path"]} that are not used, since no image of '
                f'their name ends in {part.img_suffix}: {_few(lone)}'
            )
    # Training and test images may come from the same folders.
    return list(dict.fromkeys(notes))


def _few(names: Sequence[str]) -> str:
    return f'{len(names)} ({", ".join(names[:SHOWN])}{", ..." * (len(names) > SHOWN)})'
