"""Which classes each image of a data set shows: built once, kept beside the data."""

import hashlib
import json
import os
import struct
import zlib
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from zipfile import BadZipFile

import cv2
import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dist import get_world_size
from mmengine.logging import print_log
from mmengine.utils import ProgressBar
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import TRANSFORMS
from PIL import Image, UnidentifiedImageError

from ..labels import VOID
from ..utils.atomic import write_atomically
from ..utils.once import made_once

FOLDER = '.mmseg_dkd'
FORMAT = 3
EXIF_ORIENTATION = 274
# What numpy's reader raises on files that are no whole .npz, or not ours.
NO_ARCHIVE = (
    OSError,
    ValueError,
    LookupError,
    EOFError,
    TypeError,
    AttributeError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    BadZipFile,
)
# What decoders of images raise on damaged files.
UNDECODABLE = (
    OSError,
    ValueError,
    SyntaxError,
    AttributeError,
    TypeError,
    LookupError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
    cv2.error,
    Image.DecompressionBombError,
)


def class_presence(
    infos: list[dict],
    load_annotations: dict,
    class_id_of: np.ndarray,
    num_classes: int,
    cache_dir: str | Path,
) -> np.ndarray:
    """Presence of every class in every image, from the cache or from the masks.

    Every mask is read once, by two or more processes, and checked on the way. The cache is a file
    named after the list of images; it is made anew when any image or mask changed in size or
    modification time. In a distributed run the first process of every machine makes it and the
    others wait for the file, however long it takes.

    Args:
        infos: ``img_path``, ``seg_map_path`` and ``label_map`` of each image, as mmseg's datasets
            give them.
        load_annotations: Config of the transform that reads a mask.
        class_id_of: int ``[256]``: class id of each label value; 255 stays void.
        num_classes: Number of object classes.
        cache_dir: Folder of the cache file.

    Returns:
        bool ``[images, num_classes + 1]``, column c: the image has a pixel of class id c. It lies
        in memory by columns, as :class:`mmseg_dkd.scenario.Scenario` reads it.

    Raises:
        ValueError: If masks are missing, unreadable, of another size than their image, or hold
            labels that no class has. It names the first files and says how many there are.
            Processes that wait raise it too.
        RuntimeError: In a process that waits, if the process that it waits for has ended.
    """
    files = [(info['img_path'], info['seg_map_path']) for info in infos]
    name = hashlib.sha256(json.dumps(files).encode()).hexdigest()[:16]
    path = Path(cache_dir) / f'presence_{name}.npz'
    label_maps = [info.get('label_map') for info in infos]
    key = _fingerprint(files, load_annotations, class_id_of, num_classes, label_maps)

    def make() -> np.ndarray:
        presence = _scan(infos, load_annotations, class_id_of, num_classes)
        write_atomically(path, partial(_write, presence=presence, key=key))
        print_log(f'class presence of {len(infos)} images written to {path}', logger='current')
        return presence

    makes = get_world_size() == 1 or int(os.environ.get('LOCAL_RANK', 0)) == 0
    return made_once(path, partial(_read, key=key), make, makes)


def _fingerprint(
    files: list[tuple[str, str]],
    load_annotations: dict,
    class_id_of: np.ndarray,
    num_classes: int,
    label_maps: list[dict | None],
) -> str:
    digest = hashlib.sha256(
        json.dumps(
            [FORMAT, num_classes, class_id_of.tolist(), load_annotations, label_maps],
            sort_keys=True,
            default=str,
        ).encode()
    )
    for file in (file for pair in files for file in pair):
        try:
            stat = os.stat(file)
            digest.update(f'{stat.st_size} {stat.st_mtime_ns};'.encode())
        except FileNotFoundError:
            digest.update(b'missing;')
    return digest.hexdigest()


def _write(file, presence: np.ndarray, key: str) -> None:
    np.savez(file, key=key, shape=presence.shape, bits=np.packbits(presence.T))


def _read(path: Path, key: str) -> np.ndarray | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored['key']) != key:
                return None
            rows, columns = stored['shape']
            bits = np.unpackbits(stored['bits'], count=rows * columns)
            return bits.reshape(columns, rows).view(bool).T
    except NO_ARCHIVE:
        # Not there, or no whole file of ours: it is made anew.
        return None


def _scan(
    infos: list[dict], load_annotations: dict, class_id_of: np.ndarray, num_classes: int
) -> np.ndarray:
    loader = TRANSFORMS.build(load_annotations)
    task = partial(_labels_of, loader=loader)
    progress = ProgressBar(len(infos))
    counts = np.zeros((len(infos), 256), bool)
    problems = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        step = max(1, len(infos) // 20)
        chunk = min(64, step)
        for row, result in enumerate(pool.map(task, infos, chunksize=chunk)):
            if isinstance(result, str):
                problems.append(result)
            else:
                counts[row] = result
                unknown = [v for v in np.flatnonzero(result) if class_id_of[v] < 0]
                if unknown:
                    problems.append(
                        f'{infos[row]["seg_map_path"]}: labels {[int(v) for v in unknown]} belong '
                        f'to no class (the data set has {num_classes} classes; 255 is void)'
                    )
            if (row + 1) % step == 0 or row + 1 == len(infos):
                progress.update(row + 1 - progress.completed)
    progress.file.write('\n')
    if problems:
        listed = '\n  '.join(problems[:5])
        more = f'\n  and {len(problems) - 5} more' if len(problems) > 5 else ''
        raise ValueError(
            f'{len(problems)} of {len(infos)} images cannot be trained on:\n  {listed}{more}\n'
            'Mend or remove these files, or take them out of the image list'
        )
    presence = np.zeros((len(infos), num_classes + 1), bool, order='F')
    for value in np.flatnonzero(counts.any(axis=0)):
        if class_id_of[value] <= num_classes:
            presence[:, class_id_of[value]] |= counts[:, value]
    return presence


def _labels_of(info: dict, loader) -> np.ndarray | str:
    """Which of the 256 label values the mask has, or what is wrong with it."""
    for file in (info['img_path'], info['seg_map_path']):
        if not os.path.exists(file):
            return f'{file}: no such file'
    try:
        mask = read_mask(info, loader)
        wide = _beyond_bytes(info['seg_map_path'], loader)
        with Image.open(info['img_path']) as image:
            width, height = image.size
            if image.getexif().get(EXIF_ORIENTATION, 1) > 4:
                width, height = height, width
    except UNDECODABLE as error:
        return f'{info["seg_map_path"]}: {type(error).__name__}: {error}'
    if wide is not None:
        return f'{info["seg_map_path"]}: {wide}'
    if mask.shape != (height, width):
        return (
            f'{info["seg_map_path"]}: mask of {mask.shape} for an image {info["img_path"]} of '
            f'{(height, width)} (height, width)'
        )
    shown = np.bincount(mask.ravel(), minlength=256) > 0
    label_map = info.get('label_map')
    if label_map is None:
        return shown
    meant = {VOID: VOID, **label_map}
    unknown = [v for v in np.flatnonzero(shown).tolist() if v not in meant]
    if unknown:
        return (
            f'{info["seg_map_path"]}: the values {unknown} mean nothing: those with a meaning are '
            f'{sorted(meant)} (labels of its LabelledFolder)'
        )
    labels = np.zeros(256, bool)
    labels[[meant[value] for value in np.flatnonzero(shown).tolist()]] = True
    return labels


def _beyond_bytes(file: str, loader: BaseTransform) -> str | None:
    """What is wrong with the values of a mask of more than 8 bits, if anything.

    mmseg's loader takes them modulo 256, without a word.
    """
    if getattr(type(loader), '_load_seg_map', None) is not LoadAnnotations._load_seg_map:
        return None
    try:
        with Image.open(file) as mask:
            if mask.mode[:1] not in ('I', 'F'):
                return None
    except UnidentifiedImageError:
        # Another decoder could.
        pass
    values = np.unique(mmcv.imread(file, 'unchanged', backend=loader.imdecode_backend))
    wrong = values[(values < 0) | (values > VOID) | (values != np.floor(values))]
    if len(wrong) == 0:
        return None
    return f'the values {wrong[:5].tolist()} are no labels: these are whole numbers, 0 to {VOID}'


def read_mask(info: dict, loader: BaseTransform) -> np.ndarray:
    """The values in the file of a mask, before ``label_map`` says what they mean."""
    return loader.transform(dict(info, seg_fields=[], label_map=None))['gt_seg_map']
