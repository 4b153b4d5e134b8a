# DKD on the embedded demo set, 4-2 (three steps), with a thin SegFormer: the same stock model file
# as voc_15-1_segformer-b2.py, few channels. It shows the wiring: it starts from noise and needs no
# pretrained weights, so its scores mean little.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/dkd/fashion_4-2_segformer.py
_base_ = [
    '../_base_/models/segformer_mit-b2_incremental.py',
    '../_base_/datasets/fashion_4-2.py',
    '../_base_/schedules/dkd_fashion_800i_adamw.py',
    '../_base_/methods/dkd.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=(128, 128)),
    backbone=dict(embed_dims=16, num_layers=[1, 1, 1, 1], init_cfg=None),
    decode_head=dict(
        _base_.method,
        in_channels=[16, 32, 80, 128],
        channels=32,
        num_classes=9,
        scenario=_base_.scenario))
