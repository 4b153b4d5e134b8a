"""Labels outside of the step become unknown."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class Relabel(BaseTransform):
    """One look-up for a whole mask: ``gt_seg_map = table[gt_seg_map]``.

    :class:`StepDataset` puts it behind ``LoadAnnotations``.

    Args:
        table: New label of each of the 256 label values, 0 to 255.
    """

    def __init__(self, table: Sequence[int]) -> None:
        self.table = np.asarray(table, np.uint8)
        if self.table.shape != (256,):
            raise ValueError(f'table must have 256 entries, got {self.table.shape}')

    def transform(self, results: dict) -> dict:
        """Replace ``gt_seg_map``, uint8 ``[H, W]``; by ``label_table`` of the results if there."""
        table = results.pop('label_table', self.table)
        results['gt_seg_map'] = table[results['gt_seg_map']]
        return results
