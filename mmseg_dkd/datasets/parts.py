"""The data sets that a step takes its images from: which can be taken, and how they are built."""

import errno
from pathlib import Path

import numpy as np
from mmengine.dataset import BaseDataset, ConcatDataset
from mmseg.registry import DATASETS

from ..labels import VOID
from .image_lists import by_any_editor
from .reading import image_loader_of
from .relabel import insert_relabel


def parts_of(dataset: dict) -> list[dict]:
    """The configs of a ``ConcatDataset``'s data sets, or the one config that is given.

    Raises:
        ValueError: If one of them wraps others, as mmengine's ``RepeatDataset`` does, or they need
            not have the same classes.
    """
    if 'classes' in (dataset.get('ignore_keys') or ()):
        raise ValueError(
            f'ignore_keys={dataset["ignore_keys"]!r}: the data sets of a ConcatDataset must number '
            "the same classes: leave 'classes' out"
        )
    parts = dataset.get('datasets', [dataset])
    for part in parts:
        if 'dataset' in part or 'datasets' in part:
            raise ValueError(
                f'{part.get("type")} in a StepDataset, which chooses among the images of a data '
                'set, or of a ConcatDataset of data sets: write what it wraps in its place. How '
                'often images are shown is up to train_cfg'
            )
    return parts


def relabelled(dataset: dict, table: np.ndarray) -> tuple[dict, list[dict]]:
    """The config with a look-up of labels in the pipeline of every part, and with lists of images
    that any editor may have saved.

    Args:
        dataset: The config.
        table: int ``[256]``: what each label becomes.

    Returns:
        The config, and for each part ``load_annotations`` and ``load_image``: the configs of the
        transforms that read its masks and images.

    Raises:
        ValueError: If a part has no such transform; as :func:`parts_of`.
    """
    relabel = dict(type='Relabel', table=table.tolist())
    parts, loaders = [], []
    for part in parts_of(dataset):
        part, found = insert_relabel(part, relabel)
        if not found:
            raise ValueError(f"no 'LoadAnnotations' in the pipeline of {part.get('type')}")
        parts.append(by_any_editor(part))
        loaders.append(dict(load_annotations=found[0], load_image=image_loader_of(part)))
    return (dict(dataset, datasets=parts) if 'datasets' in dataset else parts[0]), loaders


def check_paths(dataset: dict) -> None:
    """Tell a wrong path before mmseg's bare assertion does.

    Raises:
        FileNotFoundError: If an image folder or list is not there.
    """
    for part in parts_of(dataset):
        root = Path(part.get('data_root') or '')
        prefix = part.get('data_prefix') or {}
        needed = [prefix[key] for key in ('img_path', 'seg_map_path') if prefix.get(key)]
        for place in [*needed, part.get('ann_file')]:
            if place and not (root / place).exists():
                raise FileNotFoundError(
                    f'{root / place} does not exist: set data_root of {part.get("type")} (now '
                    f'{str(root)!r}) to where the data set is'
                )


def build(dataset: dict) -> BaseDataset | ConcatDataset:
    """The data set of a config.

    Raises:
        ValueError: If there is no image in it, or a ring of symbolic links.
    """
    try:
        return DATASETS.build(dataset)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        # The path goes round many times.
        link = Path(error.filename).name
        raise ValueError(
            f'the folders of images have a symbolic link {link!r} that leads round in a ring: '
            'remove it, or list the images in ann_file'
        ) from error
    except ValueError as error:
        # All that mmengine says of a data set without images.
        if 'need at least one array' not in str(error):
            raise
        roots = ', '.join(str(part.get('data_root')) for part in parts_of(dataset))
        raise ValueError(
            f'no image in a data set below {roots}: set its data_prefix, ann_file or img_suffix'
        ) from error


def check_labels(part: BaseDataset, loader: dict, has_background: bool) -> None:
    """Refuse a data set without masks, and what gives a label another meaning than the scenario.

    Args:
        part: The data set.
        loader: Config of the transform that reads its masks.
        has_background: Whether label 0 is background.

    Raises:
        ValueError: If it does; it names key and remedy.
    """
    if 'seg_map_path' not in (info := part.get_data_info(0)):
        raise ValueError(f'{info["img_path"]} has no mask: set seg_map_path in data_prefix')
    name, shifts = type(part).__name__, bool(getattr(part, 'reduce_zero_label', False))
    own = loader.get('reduce_zero_label')
    if own is not None and bool(own) != shifts:
        raise ValueError(
            f'reduce_zero_label={own} of {loader["type"]} contradicts reduce_zero_label={shifts} '
            f'of its {name}: leave it out of {loader["type"]}'
        )
    if shifts and has_background:
        raise ValueError(
            f'reduce_zero_label=True of {name} makes 0 void and every other label one less, but '
            'the scenario has a background: set reduce_zero_label=False if 0 is background in the '
            'masks, or has_background=False in the scenario if 0 is what nobody labelled. A '
            'LabelledFolder says what each value means'
        )
    ignored = getattr(part, 'ignore_index', VOID)
    if ignored != VOID:
        raise ValueError(
            f'ignore_index={ignored} of {name}: void is 255 alone. Leave it out; a '
            'LabelledFolder makes other values void, by labels=dict(void=...)'
        )
