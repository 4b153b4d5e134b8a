# The embedded demo set in VOC layout, written by tools/prepare_demo.py.
data_root = 'data/fashion'
data_prefix = dict(img_path='JPEGImages', seg_map_path='SegmentationClass')
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(
        type='RandomResize',
        scale=(128, 128),
        ratio_range=(0.75, 1.5),
        keep_ratio=True),
    dict(type='RandomCrop', crop_size=(128, 128)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs')
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs')
]
# --tta: sizes around that of the plain test, as they are and flipped.
img_ratios = [0.75, 1.0, 1.25]
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Resize', scale_factor=r, keep_ratio=True)
                for r in img_ratios
            ],
            [
                dict(type='RandomFlip', prob=0., direction='horizontal'),
                dict(type='RandomFlip', prob=1., direction='horizontal')
            ], [dict(type='LoadAnnotations')],
            [dict(type='PackSegInputs')]
        ])
]
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='StepDataset',
        dataset=dict(
            type='FashionDataset',
            data_root=data_root,
            data_prefix=data_prefix,
            ann_file='ImageSets/Segmentation/train.txt',
            pipeline=train_pipeline)))
test_dataloader = dict(
    batch_size=1,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='StepDataset',
        test_mode=True,
        pipeline=test_pipeline,
        dataset=dict(
            type='FashionDataset',
            data_root=data_root,
            data_prefix=data_prefix,
            ann_file='ImageSets/Segmentation/val.txt')))
test_evaluator = dict(type='IncrementalIoUMetric')
test_cfg = dict(type='TestLoop')
