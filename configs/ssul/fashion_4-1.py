# SSUL on the embedded demo set: 4 classes, then one at a time (five steps, each half as long as those of
# 4-2).
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/ssul/fashion_4-1.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/fashion_4-1.py',
    '../_base_/schedules/ssul_fashion_800i.py',
    '../_base_/methods/ssul_unlabelled.py',
    '../_base_/incremental_runtime.py',
]
model = dict(decode_head=dict(_base_.method, scenario=_base_.scenario))
later_steps = dict(
    model=_base_.later_model, train_cfg=dict(max_iters=250))
