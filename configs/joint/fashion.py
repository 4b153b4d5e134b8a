# Joint training on the embedded demo set: all 8 classes at once, as long as the three steps of 4-2
# together.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/joint/fashion.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/fashion_joint.py',
    '../_base_/schedules/dkd_fashion_800i.py',
    '../_base_/methods/dkd_fashion.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(
        _base_.method,
        scenario=_base_.scenario,
        init='random',
        loss_kd=None,
        loss_dkd=None,
        loss_aux=None))
train_cfg = dict(max_iters=1800)
