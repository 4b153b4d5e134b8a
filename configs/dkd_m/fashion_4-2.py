# DKD-M on the embedded demo set: DKD with a replay memory of 24 images, as in the authors' program:
# images of the memory are negatives of the new classes, and what KD and DKD make of them.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/dkd_m/fashion_4-2.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/fashion_4-2.py',
    '../_base_/schedules/dkd_fashion_800i.py',
    '../_base_/methods/dkd_fashion.py',
    '../_base_/incremental_runtime.py',
]
model = dict(decode_head=dict(_base_.method, scenario=_base_.scenario))
memory = dict(size=24)
