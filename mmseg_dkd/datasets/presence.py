"""Which classes each image of a data set shows: built once, kept beside the data."""

import hashlib
import json
import os
import struct
import zlib
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from zipfile import BadZipFile

import cv2
import numpy as np
from mmengine.dist import get_world_size
from mmengine.logging import print_log
from mmengine.utils import ProgressBar
from mmseg.registry import TRANSFORMS

from ..utils.atomic import PART, remove_parts, write_atomically
from ..utils.file_state import state_of
from ..utils.once import made_once
from .reading import values_of

FOLDER = '.mmseg_dkd'
FORMAT = 4
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
REMEDY = (
    'make room or the folder writable, or name another folder for the index, '
    'presence_dir=FOLDER of StepDataset'
)


def class_presence(
    infos: list[dict],
    load_annotations: dict,
    class_id_of: np.ndarray,
    num_classes: int,
    cache_dir: str | Path,
    load_image: dict | None = None,
) -> np.ndarray:
    """Presence of every class in every image, from the cache or from the masks.

    Every image and mask is decoded once, as training does it, by two or more processes, and checked
    on the way. The cache is a file named after all that it depends on: the list of images, their
    labels, how they are read, and size and modification time of every file. So a change of any
    makes a new file, and no other data set or run is in its way. In a distributed run the first
    process of every machine makes it and the others wait for the file, however long it takes.

    Args:
        infos: ``img_path``, ``seg_map_path``, ``label_map`` and ``reduce_zero_label`` of each
            image, as mmseg's datasets give them.
        load_annotations: Config of the transform that reads a mask.
        class_id_of: int ``[256]``: class id of each label value; 255 stays void.
        num_classes: Number of object classes.
        cache_dir: Folder of the cache file.
        load_image: Config of the transform that reads an image; mmseg's ``LoadImageFromFile`` if
            omitted.

    Returns:
        bool ``[images, num_classes + 1]``, column c: the image has a pixel of class id c. It lies
        in memory by columns, as :class:`mmseg_dkd.scenario.Scenario` reads it.

    Raises:
        ValueError: If images or masks are missing, cut off, unreadable, of different sizes, or
            hold labels that no class has. It names the first files and says how many there are.
            Processes that wait raise it too.
        OSError: If the cache cannot be written; it names file and remedy.
        RuntimeError: In a process that waits, if the process that it waits for has ended.
    """
    loaders = (load_image or dict(type='LoadImageFromFile'), load_annotations)
    key = _fingerprint(infos, loaders, class_id_of, num_classes)
    path = Path(cache_dir) / f'presence_{key[:16]}.npz'

    def make() -> np.ndarray:
        presence = _scan(infos, loaders, class_id_of, num_classes)
        write_atomically(path, partial(_write, presence=presence, key=key), REMEDY)
        remove_parts(path.parent.glob(f'.presence_*{PART}'))
        print_log(f'class presence of {len(infos)} images written to {path}', logger='current')
        return presence

    makes = get_world_size() == 1 or int(os.environ.get('LOCAL_RANK', 0)) == 0
    return made_once(path, partial(_read, key=key), make, makes)


def _fingerprint(
    infos: list[dict], loaders: tuple[dict, dict], class_id_of: np.ndarray, num_classes: int
) -> str:
    files = [(info['img_path'], info['seg_map_path']) for info in infos]
    meanings = [[info.get('label_map'), info.get('reduce_zero_label')] for info in infos]
    digest = hashlib.sha256(
        json.dumps(
            [FORMAT, num_classes, class_id_of.tolist(), loaders, files, meanings],
            sort_keys=True,
            default=str,
        ).encode()
    )
    digest.update(state_of(file for pair in files for file in pair).encode())
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
    infos: list[dict], loaders: tuple[dict, dict], class_id_of: np.ndarray, num_classes: int
) -> np.ndarray:
    load_image, load_mask = map(TRANSFORMS.build, loaders)
    task = partial(values_of, load_image=load_image, load_mask=load_mask)
    progress = ProgressBar(len(infos))
    counts = np.zeros((len(infos), 256), bool)
    problems = []
    with ProcessPoolExecutor(os.cpu_count(), initializer=_start_worker) as pool:
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


def _start_worker() -> None:
    """Make this process one worker of many, which ends with the process that started it.

    After that it would wait for its next task for good: the workers keep the pipe of the tasks open
    for each other.
    """
    # As mmengine does for workers that load data.
    cv2.setNumThreads(0)
    if (parent := parent_process()) is not None:
        Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
