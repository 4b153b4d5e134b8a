"""Test images as the papers crop them."""

import mmcv
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CentreCrop(BaseTransform):
    """Resizes the short side and cuts out the centre, of image and label.

    It belongs behind ``LoadAnnotations``. What is cut out counts as the original image, so mmseg
    leaves the prediction in its size.

    Args:
        size: Pixels of the short side, and of both sides of what is cut out.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def transform(self, results: dict) -> dict:
        """Replace ``img`` ``[H, W, 3]`` (bilinear) and ``gt_seg_map`` ``[H, W]`` (nearest)."""
        for key, interpolation in (('img', 'bilinear'), ('gt_seg_map', 'nearest')):
            height, width = results[key].shape[:2]
            scale = self.size / min(height, width)
            # The rounding of mmcv's own rescaling.
            large = int(width * scale + 0.5), int(height * scale + 0.5)
            picture = mmcv.imresize(results[key], large, interpolation=interpolation)
            left, top = ((side - self.size) // 2 for side in large)
            results[key] = picture[top : top + self.size, left : left + self.size]
        results['img_shape'] = results['ori_shape'] = (self.size, self.size)
        return results
