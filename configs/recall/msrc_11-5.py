# RECALL on MSRC-21, 11-5, overlapped: 11 classes, then 5, then 5 (three steps). Needs what
# docs/photographs.md says. Needs retrieved images, data/recall/<class name>/*, as
# configs/recall/voc_15-5.py does.
#   python tools/incremental_train.py configs/recall/msrc_11-5.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/msrc_11-5.py',
    '../_base_/schedules/photos_1500i.py',
    '../_base_/methods/recall.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=21, scenario=_base_.scenario))
# The paper's lr is the same at every step.
later_steps = dict(
    optim_wrapper=dict(optimizer=dict(lr=0.01)),
    train_dataloader=dict(dataset=_base_.retrieved))
