# DKD-M on ADE20K, 50-50, overlapped: DKD with a replay memory of 300 images.
# Needs what configs/dkd/ade_100-50.py needs.
#   tools/dist_train.sh configs/dkd_m/ade_50-50.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/ade_50-50.py',
    '../_base_/schedules/dkd_ade_100e.py',
    '../_base_/methods/dkd_ade.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=150, scenario=_base_.scenario))
memory = dict(size=300)
