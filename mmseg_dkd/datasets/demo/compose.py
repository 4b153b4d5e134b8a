"""Compose labelled scenes from the embedded photographs.

Everything is drawn from ``numpy.random.RandomState`` (its stream is frozen) and the material is
stored without loss, so a seed gives the same scenes on every machine.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

MAX_OBJECTS = 3
NUM_CLASSES = 8
NUM_KINDS = 4 * NUM_CLASSES
_CUTOUT, _MARGIN = 28, 1
_MIN_VISIBLE = 1 / 3
_MAX_TRIES = 1000


@dataclass(frozen=True)
class Pool:
    """What scenes may be drawn from: product numbers (0-159, of each class) and photographs."""

    products: range
    backgrounds: tuple[str, ...]


_TRAIN_PHOTOS = ('astronaut', 'brick', 'coffee', 'grass', 'rocket')
FIT = Pool(range(96), _TRAIN_PHOTOS)
HELD = Pool(range(96, 120), _TRAIN_PHOTOS)
TRAIN = Pool(range(120), _TRAIN_PHOTOS)
VAL = Pool(range(120, 160), ('chelsea', 'gravel', 'hubble'))


@dataclass(frozen=True)
class Material:
    """The embedded photographs.

    Attributes:
        grey: uint8 [8, 160, 30, 30], product photographs, 0 outside the product.
        alpha: uint8 [8, 160, 30, 30], 255 on the product, 0 elsewhere.
        backgrounds: name to uint8 [H, W, 3] RGB.
    """

    grey: np.ndarray
    alpha: np.ndarray
    backgrounds: dict[str, np.ndarray]


def cutout_mask(grey: np.ndarray) -> np.ndarray:
    """Separate a product from its black background.

    Args:
        grey: uint8 [H, W], with a margin of background around the product.

    Returns:
        bool [H, W]: the largest 8-connected part brighter than 12, holes of up to 12 pixels filled.
    """
    solid = grey > 12
    _, holes, stats, _ = cv2.connectedComponentsWithStats((~solid).astype(np.uint8), connectivity=4)
    solid |= (stats[:, cv2.CC_STAT_AREA] <= 12)[holes]
    # 8-connected, so that straps one pixel wide stay with their sandal.
    _, parts, stats, _ = cv2.connectedComponentsWithStats(solid.astype(np.uint8), connectivity=8)
    return parts == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()


def read_products(archive: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read product photographs, with a margin of 1 pixel.

    Args:
        archive: Holds ``images`` uint8 [8 n, 28, 28] and the ``class_id`` of each.

    Returns:
        Grey and alpha as in :class:`Material`, uint8 [8, n, 30, 30] each.
    """
    with np.load(archive) as content:
        order = np.argsort(content['class_id'], kind='stable')
        grey = content['images'][order]
    # Without the margin a gap open to the border would pass for a hole.
    grey = np.pad(grey, ((0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN)))
    solid = np.stack([cutout_mask(product) for product in grey])
    shape = (NUM_CLASSES, -1, *grey.shape[1:])
    return (grey * solid).reshape(shape), (solid * np.uint8(255)).reshape(shape)


@functools.cache
def load_material() -> Material:
    """Read the embedded photographs; the result is cached and must not be written to."""
    folder = Path(__file__).parent
    names = sorted({*TRAIN.backgrounds, *VAL.backgrounds})
    backgrounds = {
        name: np.asarray(Image.open(folder / 'backgrounds' / f'{name}.png').convert('RGB'))
        for name in names
    }
    return Material(*read_products(folder / 'fashion_cutouts.npz'), backgrounds)


def _resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    # The exact variant is the only interpolation whose bits do not depend on the OpenCV build.
    return cv2.resize(
        np.ascontiguousarray(image), (width, height), interpolation=cv2.INTER_LINEAR_EXACT
    )


def _background(
    rng: np.random.RandomState, photo: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Return a random, randomly tinted crop of ``photo`` as float32 [*shape, 3] in 0-255."""
    zoom = rng.uniform(0.5, 1) * min(photo.shape[0] / shape[0], photo.shape[1] / shape[1])
    height, width = (max(1, int(zoom * side)) for side in shape)
    top = rng.randint(photo.shape[0] - height + 1)
    left = rng.randint(photo.shape[1] - width + 1)
    crop = photo[top : top + height, left : left + width]
    if rng.randint(2):
        crop = crop[:, ::-1]
    return _resize(crop, *shape) * rng.uniform(0.6, 1, 3).astype(np.float32)


def _place(
    rng: np.random.RandomState, kind: int, pool: Pool, material: Material, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return an object's colour times coverage, float32 [*shape, 3], and coverage [*shape]."""
    turns, product_class = divmod(kind, NUM_CLASSES)
    product = pool.products[rng.randint(len(pool.products))]
    side = rng.randint(52 * min(shape) // 128, 88 * min(shape) // 128 + 1)
    side = side * (_CUTOUT + 2 * _MARGIN) // _CUTOUT
    top, left = (rng.randint(length - side + 1) for length in shape)
    layer = np.stack(
        [material.grey[product_class, product], material.alpha[product_class, product]], axis=-1
    )
    if rng.randint(2):
        layer = layer[:, ::-1]
    layer = _resize(np.rot90(layer, turns), side, side).astype(np.float32)
    colour = np.zeros((*shape, 3), np.float32)
    coverage = np.zeros(shape, np.float32)
    window = slice(top, top + side), slice(left, left + side)
    colour[window] = layer[..., :1] * rng.uniform(0.35, 1, 3).astype(np.float32)
    coverage[window] = layer[..., 1] / 255
    return colour, coverage


def compose_scene(
    rng: np.random.RandomState,
    kinds: Sequence[int],
    pool: Pool,
    shape: tuple[int, int],
    material: Material | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one scene; later objects lie in front, at least a third of each object stays visible.

    Args:
        rng: source of every choice.
        kinds: different kinds of objects, each in 0-31: product class plus 8 times quarter turns.
        pool: the products and backgrounds to draw from.
        shape: height and width in pixels, each at least 32.
        material: defaults to the embedded photographs.

    Returns:
        Image uint8 [H, W, 3] RGB and label uint8 [H, W]: 0 background, ``kind + 1`` elsewhere.

    Raises:
        RuntimeError: the objects do not fit into the scene.
    """
    material = material or load_material()
    photo = material.backgrounds[pool.backgrounds[rng.randint(len(pool.backgrounds))]]
    image = _background(rng, photo, shape)
    for _ in range(_MAX_TRIES):
        layers = [_place(rng, kind, pool, material, shape) for kind in kinds]
        label = np.zeros(shape, np.uint8)
        for kind, (_, coverage) in zip(kinds, layers, strict=True):
            label[coverage >= 0.5] = kind + 1
        if all(
            (label == kind + 1).sum() >= _MIN_VISIBLE * (coverage >= 0.5).sum()
            for kind, (_, coverage) in zip(kinds, layers, strict=True)
        ):
            break
    else:
        raise RuntimeError(f'kinds {list(kinds)} found no room in a scene of {shape} pixels')
    for colour, coverage in layers:
        image = colour + (1 - coverage[..., None]) * image
    return np.rint(image).astype(np.uint8), label


def draw_kinds(rng: np.random.RandomState, scenes: int, num_kinds: int) -> list[list[int]]:
    """Choose 1 to 3 different kinds for each scene.

    Every run of ``num_kinds`` scenes shows each kind at least once, so rare kinds cannot go
    missing in a small set.
    """
    chosen = []
    for scene in range(scenes):
        turn = scene % num_kinds
        if turn == 0:
            order = rng.permutation(num_kinds)
        others = rng.permutation(np.delete(order, turn))[: rng.randint(MAX_OBJECTS)]
        chosen.append(rng.permutation([order[turn], *others]).tolist())
    return chosen
