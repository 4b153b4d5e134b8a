# DKD on the embedded demo set: 4 classes, then 2, then 2 (three steps).
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/dkd/fashion_4-2.py
_base_ = [
    '../_base_/tasks/fashion_4-2.py', '../_base_/schedules/fashion_dkd.py',
    '../_base_/methods/dkd.py'
]
model = dict(
    decode_head=dict(
        loss_decode=dict(type='MultiBCELoss', pos_weight=2.0),
        **_base_.method))
custom_hooks = [
    dict(type='IncrementalStepHook'),
    dict(type='ReasoningChangeHook', interval=10)
]
