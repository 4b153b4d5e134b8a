# SDR on ADE20K, 50-50, overlapped: 50 classes, then 50 at a time (three steps).
# Needs what configs/dkd/ade_100-50.py needs.
#   tools/dist_train.sh configs/sdr/ade_50-50.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_mib.py',
    '../_base_/datasets/ade_50-50.py',
    '../_base_/schedules/sdr_ade_60e.py',
    '../_base_/methods/sdr.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    backbone=dict(norm_cfg=dict(momentum=3e-4)),  # program
    decode_head=dict(_base_.method, num_classes=150, scenario=_base_.scenario))
train_dataloader = dict(batch_size=1)
