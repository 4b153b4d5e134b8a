# RECALL on PASCAL VOC 2012, 15-5, overlapped: 15 classes, then 5 (two steps). The network of the DKD
# authors; BatchNorm of the encoder stays as pretrained, as in RECALL's program.
# Needs what configs/dkd/voc_15-5.py needs, and images of the first 15 classes, without labels, in
# data/recall/<class name>/, such as data/recall/aeroplane/. For one GPU.
#   python tools/incremental_train.py configs/recall/voc_15-5.py
_base_ = [
    '../_base_/tasks/voc_15-5.py', '../_base_/schedules/voc_recall.py',
    '../_base_/methods/recall.py'
]
crop_size = (321, 321)
data_preprocessor = dict(size=crop_size)
model = dict(
    data_preprocessor=data_preprocessor,
    backbone=dict(norm_eval=True, norm_cfg=dict(requires_grad=False)),
    decode_head=_base_.method)
# The program scales by 0.5 to 1.5; the long side of VOC's images is 500.
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(
        type='RandomResize',
        scale=(500, 500),
        ratio_range=(0.5, 1.5),
        keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
log_processor = dict(by_epoch=False)
train_dataloader = dict(
    batch_size=4,
    sampler=dict(type='InfiniteSampler'),
    dataset=dict(pipeline=train_pipeline))
later_steps = dict(
    train_dataloader=dict(
        dataset=dict(
            type='RetrievedReplay', web_root='data/recall', share=0.5)))
