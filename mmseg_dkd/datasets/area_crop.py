"""Random resized crop, as torchvision defines it, for images and their label maps."""

from __future__ import annotations

import math

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomAreaCrop(BaseTransform):
    """Cut out a box of random area and aspect ratio and resize it to a fixed size.

    Unlike mmseg's ``RandomResize`` followed by ``RandomCrop``, ``scale`` is a fraction of the
    image's *area*, and the box may be stretched. A box larger than the image is drawn again; when
    no attempt fits, the central crop is taken. With the default scale this happens in 15 % of the
    draws for 4:3 images, 28 % for 3:2 and 6 % for squares.

    Required keys: ``img``, ``seg_fields`` and the label maps it names (may be empty).
    Modified keys: ``img`` (bilinear), the label maps (nearest), ``img_shape``.

    Args:
        size: (height, width) of the result in pixels.
        scale: Smallest and largest fraction of the image's area, > 0; may exceed 1.
        ratio: Smallest and largest width / height of the box, > 0.
        attempts: Number of boxes tried before the central crop is taken, >= 0.

    Raises:
        ValueError: If a range is not increasing or not positive, or ``attempts`` is negative.
    """

    def __init__(
        self,
        size: tuple[int, int] = (512, 512),
        scale: tuple[float, float] = (0.5, 2.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        attempts: int = 10,
    ) -> None:
        for name, (low, high) in dict(scale=scale, ratio=ratio).items():
            if not 0 < low <= high:
                raise ValueError(f'{name} must satisfy 0 < low <= high, got {low, high}')
        if min(size) < 1:
            raise ValueError(f'size must be a positive (height, width), got {size}')
        if attempts < 0:
            raise ValueError(f'attempts must not be negative, got {attempts}')
        self.size = tuple(size)
        self.scale = tuple(scale)
        self.ratio = tuple(ratio)
        self.attempts = attempts

    @cache_randomness
    def draw_box(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Draw the (top, left, height, width) of a box inside a ``height`` x ``width`` image."""
        log_ratio = np.log(self.ratio)
        for _ in range(self.attempts):
            area = height * width * np.random.uniform(self.scale[0], self.scale[1])
            aspect = math.exp(np.random.uniform(*log_ratio))
            box_width = round(math.sqrt(area * aspect))
            box_height = round(math.sqrt(area / aspect))
            if 0 < box_width <= width and 0 < box_height <= height:
                top = np.random.randint(height - box_height + 1)
                left = np.random.randint(width - box_width + 1)
                return top, left, box_height, box_width
        return self._central_box(height, width)

    def _central_box(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Return the largest centred box whose aspect ratio lies in ``ratio``."""
        lowest, highest = self.ratio
        box_width = min(width, round(height * highest))
        box_height = min(height, round(width / lowest))
        return (height - box_height) // 2, (width - box_width) // 2, box_height, box_width

    def transform(self, results: dict) -> dict:
        """Crop and resize ``img`` (H, W[, C]) and the label maps (H, W) alike."""
        top, left, height, width = self.draw_box(*results['img'].shape[:2])

        def crop_and_resize(array: np.ndarray, interpolation: str) -> np.ndarray:
            box = array[top : top + height, left : left + width]
            return mmcv.imresize(box, self.size[::-1], interpolation=interpolation)

        results['img'] = crop_and_resize(results['img'], 'bilinear')
        for key in results.get('seg_fields', []):
            results[key] = crop_and_resize(results[key], 'nearest')
        results['img_shape'] = results['img'].shape[:2]
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(size={self.size}, scale={self.scale}, '
            f'ratio={self.ratio}, attempts={self.attempts})'
        )
