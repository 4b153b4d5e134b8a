# DKD on PASCAL VOC 2012, 15-5, overlapped, with mmseg's own deeplabv3_r101-d8 (v1c stem, output stride
# 8, ASPP with 512 channels) and mmseg's own data pipeline; the schedule is DKD's. An example of how to
# make a stock config incremental. Needs what voc_15-5.py needs.
#   tools/dist_train.sh configs/dkd/voc_15-5_stock-r101-d8.py 4
_base_ = [
    '../_base_/models/deeplabv3_r50-d8.py',
    '../_base_/datasets/pascal_voc12_aug.py',
    '../_base_/schedules/dkd_voc_60e.py',
    '../_base_/methods/dkd.py',
    '../_base_/incremental_runtime.py',
]
scenario = dict(name='15-5', num_classes=20)
data_preprocessor = dict(size=(512, 512))
model = dict(
    type='IncrementalSegmentor',
    data_preprocessor=data_preprocessor,
    pretrained='open-mmlab://resnet101_v1c',
    backbone=dict(depth=101),
    decode_head=dict(
        _base_.method,
        base_type='ASPPHead',
        num_classes=21,
        scenario=scenario),
    auxiliary_head=None)
train_dataloader = dict(
    batch_size=8,
    drop_last=True,
    sampler=dict(_delete_=True, type='DefaultSampler', shuffle=True),
    dataset=dict(
        _delete_=True,
        type='StepDataset',
        scenario=scenario,
        dataset=_base_.train_dataloader.dataset))
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='StepDataset',
        scenario=scenario,
        test_mode=True,
        pipeline=_base_.test_pipeline,
        dataset=_base_.test_dataloader.dataset))
# Every step is tested once, at its end.
val_dataloader = None
val_evaluator = None
test_evaluator = dict(_delete_=True, type='IncrementalIoUMetric')
test_cfg = dict(type='TestLoop')
