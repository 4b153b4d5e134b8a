"""Labels outside of the step become unknown."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class Relabel(BaseTransform):
    """One look-up for a whole mask: ``gt_seg_map = table[gt_seg_map]``.

    :class:`.StepDataset` puts it behind ``LoadAnnotations``.

    Args:
        table: New label of each of the 256 label values, 0 to 255.
    """

    def __init__(self, table: Sequence[int]) -> None:
        self.table = np.asarray(table, np.uint8)
        if self.table.shape != (256,):
            raise ValueError(f'table must have 256 entries, got {self.table.shape}')

    def transform(self, results: dict) -> dict:
        """Replace ``gt_seg_map``, uint8 ``[H, W]``. A ``label_table`` in the results replaces the
        table."""
        table = results.get('label_table', self.table)
        results['gt_seg_map'] = table[results['gt_seg_map']]
        return results


def insert_relabel(cfg: Any, relabel: dict) -> tuple[Any, list[dict]]:
    """The config with ``relabel`` behind every LoadAnnotations, and the loaders' configs.

    It is built anew: the data sets of a ConcatDataset may share one pipeline object, which must
    not be relabelled twice.
    """
    if isinstance(cfg, dict):
        parts = {key: insert_relabel(value, relabel) for key, value in cfg.items()}
        loaders = [loader for _, found in parts.values() for loader in found]
        return type(cfg)({key: part for key, (part, _) in parts.items()}), loaders
    if not isinstance(cfg, list):
        return cfg, []
    items, loaders = [], []
    for item in cfg:
        # A list in a list is a stage of TestTimeAug: its transforms are alternatives.
        stage = isinstance(item, list)
        found = [t for t in (item if stage else [item]) if _is_loader(t)]
        if found:
            items += [item, [relabel] if stage else relabel]
        else:
            part, found = insert_relabel(item, relabel)
            items.append(part)
        loaders += found
    return items, loaders


def _is_loader(cfg: Any) -> bool:
    return isinstance(cfg, dict) and cfg.get('type') == 'LoadAnnotations'
