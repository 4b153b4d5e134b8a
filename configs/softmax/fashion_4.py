# An ordinary mmseg model, to start from: softmax over background and the four base classes of the
# demo, on the images, with the network and for as long as step 0 of configs/dkd/fashion_4-2.py.
#   python tools/prepare_demo.py
#   python tools/train.py configs/softmax/fashion_4.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/fashion_4-2.py',
    '../_base_/schedules/fashion_800i.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    _delete_=True,
    type='EncoderDecoder',
    data_preprocessor=_base_.model.data_preprocessor,
    backbone=_base_.model.backbone,
    test_cfg=_base_.model.test_cfg,
    decode_head=dict(
        type='ASPPHead',
        in_channels=320,
        in_index=3,
        channels=96,
        dilations=(1, 3, 6),
        dropout_ratio=0.1,
        num_classes=5,
        norm_cfg=dict(type='SyncBN', requires_grad=True),
        loss_decode=dict(type='CrossEntropyLoss')))
train_dataloader = dict(dataset=dict(step=0))
test_dataloader = dict(dataset=dict(step=0))
tta_model = dict(type='SegTTAModel')
