"""Photographs as a search for a class would find them: one product, plain ground, no label."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from .compose import Material, Pool, compose_scene, read_products
from .fashion import FashionDataset
from .scenes import write_once


def write_fashion_web(
    root: str | os.PathLike[str], per_class: int = 24, size: int = 128, seed: int = 0
) -> bool:
    """Write ``root/<class>/*.jpg``: one image per product, of products that no scene shows.

    They are not the products of :mod:`mmseg_dkd.datasets.demo.scenes`, whatever its arguments, but
    the next 24 of each class in the same source.

    Args:
        root: folder to create; its parents are created too.
        per_class: images of each class, 1 to 24.
        size: side of the square images in pixels, at least 32.
        seed: 0 to 2**32 - 1.

    Returns:
        True if they were written, False if ``root`` holds them already.

    Raises:
        ValueError: a number is out of its range.
        FileExistsError: ``root`` holds anything else.
    """
    grey, alpha = read_products(Path(__file__).with_name('fashion_web.npz'))
    if not 1 <= per_class <= grey.shape[1]:
        raise ValueError(f'per_class must be in 1 to {grey.shape[1]}, got {per_class}')
    if size < 32:
        raise ValueError(f'size must be at least 32, got {size}')
    # A scene's background is a tinted crop of a photograph: of plain white, one light colour.
    white = np.full((size, size, 3), 255, np.uint8)
    material = Material(grey, alpha, dict(plain=white))

    def fill(folder: Path) -> None:
        rng = np.random.RandomState(seed)
        for kind, name in enumerate(FashionDataset.METAINFO['classes'][1:]):
            (folder / name).mkdir()
            for product in range(per_class):
                pool = Pool(range(product, product + 1), ('plain',))
                image, _ = compose_scene(rng, [kind], pool, (size, size), material)
                Image.fromarray(image).save(folder / name / f'{product:02d}.jpg', quality=95)

    recipe = {'name': 'fashion_web', 'per_class': per_class, 'size': size, 'seed': seed}
    return write_once(Path(root), recipe, fill)
