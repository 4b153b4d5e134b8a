# DKD on the embedded demo set, 4-2 (three steps), with a thin UPerNet on Swin: the same stock model
# file as voc_15-1_upernet-swin-t.py, few channels. It shows the wiring: it starts from noise and
# needs no pretrained weights, so its scores mean little.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/dkd/fashion_4-2_upernet-swin.py
_base_ = [
    '../_base_/models/upernet_swin-t_incremental.py',
    '../_base_/datasets/fashion_4-2.py',
    '../_base_/schedules/dkd_fashion_800i_adamw.py',
    '../_base_/methods/dkd.py',
    '../_base_/incremental_runtime.py',
]
head = dict(num_classes=9, scenario=_base_.scenario)
model = dict(
    data_preprocessor=dict(size=(128, 128)),
    backbone=dict(
        embed_dims=12,
        depths=[2, 2, 2, 2],
        num_heads=[1, 2, 4, 8],
        init_cfg=None),
    decode_head=dict(
        _base_.method, in_channels=[12, 24, 48, 96], channels=32, **head),
    auxiliary_head=dict(
        _base_.auxiliary_method, in_channels=48, channels=16, **head))
later_steps = dict(
    model=dict(auxiliary_head=dict(loss_decode=dict(pos_weight=6.0))))
