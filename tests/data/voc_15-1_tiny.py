# DKD-M on VOC 15-1 with a network small enough for a test on the CPU: one epoch a step.
#   tools/dist_train.sh tests/data/voc_15-1_tiny.py 2
_base_ = '../../configs/dkd_m/voc_15-1.py'
memory = dict(size=10)
model = dict(
    backbone=dict(depth=18, base_channels=8, init_cfg=None),
    decode_head=dict(in_channels=64, channels=16),
)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomAreaCrop', size=(96, 96), scale=(0.5, 2.0)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
data_preprocessor = dict(size=(96, 96))
model['data_preprocessor'] = data_preprocessor
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        dataset=dict(
            datasets=[
                dict(
                    type='PascalVOCDataset',
                    data_root='data/VOCdevkit/VOC2012',
                    data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClassAug'),
                    ann_file=f'ImageSets/Segmentation/{name}.txt',
                    pipeline=train_pipeline,
                )
                for name in ('train', 'aug')
            ]
        )
    ),
)
test_dataloader = dict(num_workers=0, persistent_workers=False)
optim_wrapper = dict(type='OptimWrapper')
train_cfg = dict(max_epochs=1)
default_hooks = dict(checkpoint=dict(interval=1), logger=dict(interval=5))
