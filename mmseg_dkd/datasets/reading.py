"""Whether an image and its mask can be trained on, and which values the mask has."""

import os
import stat
import struct
import zlib
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import cv2
import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image, ImageOps, UnidentifiedImageError

from ..labels import NUM_VALUES, VOID
from ..utils.config_parts import sections

# What decoders of images, and mmcv behind them, raise on damaged files.
UNDECODABLE = (
    OSError,
    ValueError,
    SyntaxError,
    AssertionError,
    AttributeError,
    TypeError,
    LookupError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    cv2.error,
)


def image_loader_of(cfg: dict) -> dict:
    """Config of the transform that reads the images of a data set.

    Args:
        cfg: Config of an mmseg dataset.

    Returns:
        The first transform named ``Load...``, other than ``LoadAnnotations``; mmseg's
        ``LoadImageFromFile`` if there is none.
    """
    for transform in sections(cfg):
        name = str(transform.get('type'))
        if name.startswith('Load') and name != 'LoadAnnotations':
            return transform
    return dict(type='LoadImageFromFile')


def values_of(info: dict, load_image: BaseTransform, load_mask: BaseTransform) -> np.ndarray | str:
    """Which labels a mask has, both files being read whole, as training reads them.

    Args:
        info: ``img_path``, ``seg_map_path`` and ``label_map``, as mmseg's datasets give them.
        load_image: The transform that reads the image.
        load_mask: The transform that reads the mask.

    Returns:
        bool ``[256]``; or, in words, which file cannot be trained on and why.
    """
    image_file, mask_file = info['img_path'], info['seg_map_path']
    try:
        image = read_whole(image_file, dict(info), load_image, 'img')
        mask = read_whole(mask_file, _plain(info), load_mask, 'gt_seg_map')
    except ValueError as error:
        return str(error)
    wide = _beyond_bytes(mask_file, load_mask)
    if wide is not None:
        return f'{mask_file}: {wide}'
    if mask.shape != image.shape[:2]:
        return (
            f'{mask_file}: mask of {mask.shape} for an image {image_file} of {image.shape[:2]} '
            '(height, width)'
        )
    shown = np.flatnonzero(cv2.calcHist([mask], [0], None, [NUM_VALUES], [0, NUM_VALUES])).tolist()
    if info.get('label_map') is not None:
        meant = {VOID: VOID, **info['label_map']}
        unknown = [value for value in shown if value not in meant]
        if unknown:
            return (
                f'{mask_file}: the values {unknown} mean nothing: those with a meaning are '
                f'{sorted(meant)} (labels of its LabelledFolder)'
            )
        shown = [meant[value] for value in shown]
    labels = np.zeros(NUM_VALUES, bool)
    labels[shown] = True
    return labels


def read_whole(file: str, info: dict, loader: BaseTransform, key: str) -> np.ndarray:
    """What training reads from a file, which must be there to its end.

    Args:
        file: The path.
        info: What the transform is given.
        loader: The transform that reads it.
        key: Where the transform puts the array.

    Raises:
        ValueError: If there is no file, it is cut off, or the transform cannot read it; it names
            file and reason.
    """
    if problem := _no_file(file):
        raise ValueError(f'{file}: {problem}')
    try:
        with _opened(file) as image:
            read = loader.transform(info)[key]
            # OpenCV up to 4.10 makes up what a JPEG lacks, without a word.
            if image is not None and getattr(loader, 'imdecode_backend', None) != 'pillow':
                image.load()
    except Image.DecompressionBombError as error:
        raise ValueError(f'{file}: {error} Cut it into tiles') from error
    except UNDECODABLE as error:
        decoder = getattr(loader, 'imdecode_backend', None)
        by = f' (imdecode_backend={decoder!r})' if decoder else ''
        raise ValueError(
            f'{file}: {type(loader).__name__}{by} cannot read it whole: '
            f'{type(error).__name__}: {error}'
        ) from error
    return read


def read_mask(info: dict, loader: BaseTransform) -> np.ndarray:
    """The values in the file of a mask, before ``label_map`` says what they mean."""
    return loader.transform(_plain(info))['gt_seg_map']


def read_labels(path: Path) -> np.ndarray:
    """The values of a mask, uint8 ``[H, W]``, read as mmseg reads it.

    Raises:
        ValueError: If it cannot be read whole, or has more than one channel.
    """
    info = _plain(dict(seg_map_path=str(path), reduce_zero_label=False))
    mask = read_whole(str(path), info, LoadAnnotations(), 'gt_seg_map')
    if mask.ndim != 2:
        raise ValueError(f'{path}: it has {mask.shape[-1]} channels, a mask has one')
    return mask


def read_picture(file: str) -> Image.Image:
    """An image in RGB, to be looked at, turned as the loaders of images and masks see it."""
    try:
        with Image.open(file) as image:
            return ImageOps.exif_transpose(image).convert('RGB')
    except UnidentifiedImageError:
        # Some deep images OpenCV alone can read.
        return Image.fromarray(mmcv.imread(file, channel_order='rgb', backend='cv2'))


def _plain(info: dict) -> dict:
    return dict(info, seg_fields=[], label_map=None)


def _no_file(file: str) -> str | None:
    """Why there is no file to read; a named pipe would be waited for without end."""
    try:
        regular = stat.S_ISREG(os.stat(file).st_mode)
    except FileNotFoundError:
        return 'no such file'
    except (OSError, ValueError) as error:
        # A ring of symbolic links, a folder that may not be entered.
        return str(getattr(error, 'strerror', error))
    return None if regular else 'neither a file nor a link to one'


def _opened(file: str) -> AbstractContextManager[Image.Image | None]:
    """The image, of which Pillow has read the size alone; None if another decoder must know it.

    Images so large that they may be bombs are refused here, before anything is decoded.
    """
    try:
        return Image.open(file)
    except UnidentifiedImageError:
        return nullcontext()


def _beyond_bytes(file: str, loader: BaseTransform) -> str | None:
    """What is wrong with the values of a mask of more than 8 bits, if anything.

    mmseg's loader takes them modulo 256, without a word.
    """
    if getattr(type(loader), '_load_seg_map', None) is not LoadAnnotations._load_seg_map:
        return None
    with _opened(file) as mask:
        if mask is not None and mask.mode[:1] not in ('I', 'F'):
            return None
    values = np.unique(mmcv.imread(file, 'unchanged', backend=loader.imdecode_backend))
    wrong = values[(values < 0) | (values > VOID) | (values != np.floor(values))]
    if len(wrong) == 0:
        return None
    return f'the values {wrong[:5].tolist()} are no labels: these are whole numbers, 0 to {VOID}'
