# DKD-M on the embedded demo set, 4-2, that also learns from the labels of old classes in the memory:
# Eq. 3 for the classes of the steps that trained on an image, with the gamma of later steps.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/dkd_m_labels/fashion_4-2.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/fashion_4-2.py',
    '../_base_/schedules/dkd_fashion_800i.py',
    '../_base_/methods/dkd_fashion.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(
        _base_.method,
        scenario=_base_.scenario,
        loss_replay=dict(type='ReplayLoss', pos_weight=6.0)))
memory = dict(size=24)
