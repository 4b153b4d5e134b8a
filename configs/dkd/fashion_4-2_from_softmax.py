# DKD on the embedded demo set from an ordinary softmax model of its four base classes. Step 0 converts
# it and trains nothing but the auxiliary classifier; the other steps are those of fashion_4-2.py.
#   python tools/prepare_demo.py
#   python tools/train.py configs/softmax/fashion_4.py
#   python tools/incremental_train.py configs/dkd/fashion_4-2_from_softmax.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/fashion_4-2.py',
    '../_base_/schedules/dkd_fashion_800i.py',
    '../_base_/methods/dkd_fashion.py',
    '../_base_/incremental_runtime.py',
]
model = dict(decode_head=dict(_base_.method, scenario=_base_.scenario))
start_from = 'work_dirs/softmax/fashion_4/iter_800.pth'
first_step = dict(train_cfg=dict(max_iters=200))
