# Exact (new classifiers beside a model that stays bit for bit) on the embedded demo set: 4 classes, then
# 2, then 2 (three steps).
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/exact/fashion_4-2.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/fashion_4-2.py',
    '../_base_/schedules/fashion_800i.py',
    '../_base_/methods/exact.py',
    '../_base_/incremental_runtime.py',
]
model = dict(decode_head=dict(_base_.method, scenario=_base_.scenario))
later_steps = dict(optim_wrapper=_base_.later_optim)
