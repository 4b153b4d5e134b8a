"""The class presence index: built, reopened, and a step selected from a large one."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import mmcv
import numpy as np
from PIL import Image

from mmseg_dkd.datasets.presence import class_presence
from mmseg_dkd.scenario import Scenario

from .measure import Part, timed

SHAPE = (375, 500)
CLASSES = 20


def part(quick: bool) -> Part:
    """Images of VOC's mean size and their masks, read and checked, against one process that reads
    them."""
    count = 500 if quick else 10_000
    return Part(
        f'index of {count:,} images of {SHAPE[1]} x {SHAPE[0]}, checks included',
        partial(_ours, count),
        partial(_plain, count),
        repeats=1,
        further=partial(_further, quick),
    )


def _further(quick: bool, found: dict) -> dict[str, float]:
    """Seconds to reopen the index of :func:`part`, and to select steps from 1,000,000 images."""
    with tempfile.TemporaryDirectory() as cache:
        build = partial(_index, _files(500 if quick else 10_000), cache)
        build()
        reopen, _ = timed(build)
    images = 100_000 if quick else 1_000_000
    presence = np.zeros((images, 151), bool, order='F')
    for column in presence.T:
        column[np.random.default_rng(0).integers(0, images, images // 20)] = True
    seconds = dict(reopen_seconds=reopen)
    for setting in ('overlapped', 'disjoint'):
        scenario = Scenario('100-50', 150, setting, has_background=False)
        select = partial(scenario.select, presence, 0)
        seconds[f'select_seconds_{setting}'] = min(timed(select)[0] for _ in range(5))
    return seconds


def _files(count: int) -> list[dict]:
    """``count`` entries of a data set, of 20 files of their own."""
    folder = Path(tempfile.gettempdir(), 'mmseg_dkd_masks')
    folder.mkdir(exist_ok=True)
    areas = np.random.default_rng(0)
    for number in range(20):
        mask = np.kron(areas.integers(0, CLASSES + 1, (5, 5)), np.ones((75, 100))).astype(np.uint8)
        Image.fromarray(mask).save(folder / f'{number}.png')
        Image.fromarray(np.stack([mask] * 3, axis=2)).save(folder / f'{number}.jpg')
    return [
        dict(
            img_path=str(folder / f'{number % 20}.jpg'),
            seg_map_path=str(folder / f'{number % 20}.png'),
            label_map=None,
            reduce_zero_label=False,
        )
        for number in range(count)
    ]


def _index(infos: list[dict], cache: str) -> np.ndarray:
    ids = np.full(256, -1)
    ids[: CLASSES + 1] = range(CLASSES + 1)
    ids[255] = 255
    return class_presence(infos, dict(type='LoadAnnotations'), ids, CLASSES, cache)


def _ours(count: int) -> Callable[[], object]:
    infos = _files(count)

    def run() -> None:
        with tempfile.TemporaryDirectory() as cache:
            _index(infos, cache)

    return run


def _plain(count: int) -> Callable[[], object]:
    infos = _files(count)

    def run() -> None:
        for info in infos:
            mmcv.imread(info['img_path'])
            np.unique(np.array(Image.open(info['seg_map_path'])))

    return run
