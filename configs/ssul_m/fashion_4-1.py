# SSUL-M on the embedded demo set: SSUL with a replay memory of 24 images, half of every batch on
# average, with the labels of all classes learned so far.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/ssul_m/fashion_4-1.py
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
memory = dict(size=24, share=0.5, labels='seen')
