"""The embedded demo set, as written by :func:`mmseg_dkd.datasets.demo.scenes.write_fashion_voc`."""

from typing import Any

from mmseg.datasets import PascalVOCDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class FashionDataset(PascalVOCDataset):
    """Scenes of eight kinds of fashion products in PASCAL VOC layout; label ids 0 to 8."""

    METAINFO: dict[str, Any] = dict(
        classes=(
            'background',
            't-shirt',
            'trouser',
            'pullover',
            'dress',
            'sandal',
            'sneaker',
            'bag',
            'ankle boot',
        ),
        palette=[
            [0, 0, 0],
            [128, 0, 0],
            [0, 128, 0],
            [128, 128, 0],
            [0, 0, 128],
            [128, 0, 128],
            [0, 128, 128],
            [128, 128, 128],
            [64, 0, 0],
        ],
    )
