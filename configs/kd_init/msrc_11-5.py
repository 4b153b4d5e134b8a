# mBCE + KD and the initialisation (the third row of Table 3: no DKD) on MSRC-21, 11-5, overlapped: 11
# classes, then 5, then 5 (three steps). Needs what docs/photographs.md says.
#   python tools/incremental_train.py configs/kd_init/msrc_11-5.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/msrc_11-5.py',
    '../_base_/schedules/dkd_photos_1500i.py',
    '../_base_/methods/dkd_photos.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(
        _base_.method,
        num_classes=21,
        scenario=_base_.scenario,
        loss_dkd=None))
