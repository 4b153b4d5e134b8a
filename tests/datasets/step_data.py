"""Scenarios and configs of data sets for tests of StepDataset; conftest.py writes the data."""

from pathlib import Path

PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs', meta_keys=('img_path', 'reduce_zero_label')),
]
VOC = dict(
    name='5-5', num_classes=20, order=[7, 20, 1, 13, 4, *(set(range(1, 21)) - {7, 20, 1, 13, 4})]
)
FASHION = dict(name=[[8, 3, 1], [6, 2], [4, 7, 5]], num_classes=8)
BARE = dict(name=[[3], [1, 4], [2]], num_classes=4, has_background=False)


def voc_like(kind: str, root: Path, split: str, folder: str = 'SegmentationClass') -> dict:
    return dict(
        type=kind,
        data_root=str(root),
        data_prefix=dict(img_path='JPEGImages', seg_map_path=folder),
        ann_file=f'ImageSets/Segmentation/{split}.txt',
        pipeline=PIPELINE,
    )


def bare_cfg(root: Path) -> dict:
    return dict(
        type='BaseSegDataset',
        metainfo=dict(classes=('sky', 'sea', 'sand', 'tree'), palette=[[i] * 3 for i in range(4)]),
        reduce_zero_label=True,
        data_root=str(root),
        data_prefix=dict(img_path='images', seg_map_path='masks'),
        pipeline=PIPELINE,
    )
