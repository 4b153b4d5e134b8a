# SSUL on ADE20K, 100-10, overlapped: 100 classes, then 10 at a time (six steps).
# Needs what configs/dkd/ade_100-50.py needs.
#   tools/dist_train.sh configs/ssul/ade_100-10.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/ade_100-10.py',
    '../_base_/schedules/ssul_ade_100e.py',
    '../_base_/methods/ssul_unlabelled.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(
        _base_.method,
        num_classes=150,
        scenario=_base_.scenario,
        base_type='ProjectedASPPHead',
        resized='logits'))
later_steps = dict(model=_base_.later_model)
