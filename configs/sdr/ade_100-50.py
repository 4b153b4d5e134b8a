# SDR on ADE20K, 100-50, overlapped: 100 classes, then 50 (two steps). The network of MiB. Needs what
# configs/dkd/ade_100-50.py needs. For 4 GPUs; batch_size is per GPU.
#   tools/dist_train.sh configs/sdr/ade_100-50.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_mib.py',
    '../_base_/datasets/ade_100-50.py',
    '../_base_/schedules/sdr_ade_60e.py',
    '../_base_/methods/sdr.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    backbone=dict(norm_cfg=dict(momentum=3e-4)),  # program
    decode_head=dict(_base_.method, num_classes=150, scenario=_base_.scenario))
train_dataloader = dict(batch_size=1)
