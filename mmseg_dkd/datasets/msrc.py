"""MSRC-21, photographs of 21 classes."""

from typing import Any

from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class MSRCDataset(BaseSegDataset):
    """Microsoft Research Cambridge's object categories, version 2: ``.jpg`` images, ``.png`` masks.

    Masks have 1 to 21 for the classes, and 0 or 255 for what nobody labelled, horse and mountain
    included, as is usual for MSRC-21. It has no background. docs/photographs.md says where it comes
    from and how its files are laid out.
    """

    METAINFO: dict[str, Any] = dict(
        classes=(
            'building',
            'grass',
            'tree',
            'cow',
            'sheep',
            'sky',
            'aeroplane',
            'water',
            'face',
            'car',
            'bicycle',
            'flower',
            'sign',
            'bird',
            'book',
            'chair',
            'road',
            'cat',
            'dog',
            'body',
            'boat',
        ),
        # Of the database itself.
        palette=[
            [128, 0, 0],
            [0, 128, 0],
            [128, 128, 0],
            [0, 0, 128],
            [0, 128, 128],
            [128, 128, 128],
            [192, 0, 0],
            [64, 128, 0],
            [192, 128, 0],
            [64, 0, 128],
            [192, 0, 128],
            [64, 128, 128],
            [192, 128, 128],
            [0, 64, 0],
            [128, 64, 0],
            [0, 192, 0],
            [128, 64, 128],
            [0, 192, 128],
            [128, 192, 128],
            [64, 64, 0],
            [192, 64, 0],
        ],
    )

    def __init__(self, reduce_zero_label: bool = True, **kwargs) -> None:
        super().__init__(reduce_zero_label=reduce_zero_label, **kwargs)
