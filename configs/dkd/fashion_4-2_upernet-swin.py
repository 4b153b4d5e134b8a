# DKD on the embedded demo set, 4-2 (three steps), with a thin UPerNet on Swin: the same stock model
# file as voc_15-1_upernet-swin-t.py, few channels. It shows the wiring: it starts from noise and
# needs no pretrained weights, so its scores mean little.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/dkd/fashion_4-2_upernet-swin.py
_base_ = [
    '../_base_/models/dkd_upernet-swin-t.py', '../_base_/datasets/fashion.py',
    '../_base_/schedules/fashion_adamw.py', '../_base_/default_runtime.py'
]
scenario = dict(name='4-2', num_classes=8)
head = dict(
    num_classes=9, scenario=scenario, loss_decode=dict(pos_weight=2.0))
model = dict(
    data_preprocessor=dict(size=(128, 128)),
    backbone=dict(
        embed_dims=12,
        depths=[2, 2, 2, 2],
        num_heads=[1, 2, 4, 8],
        init_cfg=None),
    decode_head=dict(in_channels=[12, 24, 48, 96], channels=32, **head),
    auxiliary_head=dict(in_channels=48, channels=16, **head))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
later_steps = dict(
    model=dict(auxiliary_head=dict(loss_decode=dict(pos_weight=6.0))))
randomness = dict(seed=0)
