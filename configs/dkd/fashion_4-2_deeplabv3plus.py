# DKD on the embedded demo set, 4-2 (three steps), with a thin DeepLabV3+: the same stock model file
# as voc_15-1_deeplabv3plus-r50-d8.py, few channels. It shows the wiring: it starts from noise and
# needs no pretrained weights, so its scores mean little.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/dkd/fashion_4-2_deeplabv3plus.py
_base_ = [
    '../_base_/models/deeplabv3plus_r50-d8_incremental.py',
    '../_base_/datasets/fashion_4-2.py',
    '../_base_/schedules/dkd_fashion_800i.py',
    '../_base_/methods/dkd.py',
    '../_base_/incremental_runtime.py',
]
head = dict(num_classes=9, scenario=_base_.scenario)
model = dict(
    data_preprocessor=dict(size=(128, 128)),
    pretrained=None,
    backbone=dict(depth=18, base_channels=16, stem_channels=16),
    decode_head=dict(
        _base_.method,
        in_channels=128,
        channels=32,
        dilations=(1, 3, 6),
        c1_in_channels=16,
        c1_channels=8,
        **head),
    auxiliary_head=dict(
        _base_.auxiliary_method, in_channels=64, channels=16, **head))
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys=dict(auxiliary_head=dict(lr_mult=5.0))))
later_steps = dict(
    optim_wrapper=dict(
        paramwise_cfg=dict(
            custom_keys=dict(auxiliary_head=dict(lr_mult=10.0)))),
    model=dict(auxiliary_head=dict(loss_decode=dict(pos_weight=6.0))))
