# RECALL on ADE20K, 50-50, overlapped: 50 classes, then 50 at a time (three steps).
# Needs what configs/recall/ade_100-50.py needs, with images of the first 100 classes.
#   tools/dist_train.sh configs/recall/ade_50-50.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_mib.py',
    '../_base_/datasets/ade_50-50.py',
    '../_base_/schedules/mib_ade_60e.py',
    '../_base_/methods/recall.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=150, scenario=_base_.scenario))
later_steps = dict(train_dataloader=dict(dataset=_base_.retrieved))
