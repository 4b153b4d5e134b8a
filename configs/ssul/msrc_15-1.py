# SSUL (without saliency maps: every pixel without a label is unknown) on MSRC-21, 15-1, overlapped: 15
# classes, then one at a time (seven steps). Needs what docs/photographs.md says.
#   python tools/incremental_train.py configs/ssul/msrc_15-1.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/msrc_15-1.py',
    '../_base_/schedules/ssul_photos_1500i.py',
    '../_base_/methods/ssul_unlabelled.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=21, scenario=_base_.scenario))
later_steps = dict(model=_base_.later_model)
