# DKD on ADE20K, 100-5, overlapped: 100 classes, then 5 at a time (eleven steps).
# Needs what ade_100-50.py needs.
#   tools/dist_train.sh configs/dkd/ade_100-5.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/ade_100-5.py',
    '../_base_/schedules/dkd_ade_100e.py',
    '../_base_/methods/dkd_ade.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=150, scenario=_base_.scenario))
