# SSUL (without saliency maps: every pixel without a label is unknown) on MSRC-21, 11-5, overlapped: 11
# classes, then 5, then 5 (three steps). Needs what docs/photographs.md says.
#   python tools/incremental_train.py configs/ssul/msrc_11-5.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/msrc_11-5.py',
    '../_base_/schedules/ssul_photos_1500i.py',
    '../_base_/methods/ssul_unlabelled.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=21, scenario=_base_.scenario))
later_steps = dict(model=_base_.later_model)
