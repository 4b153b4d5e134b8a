# RECALL on ADE20K, 100-10, overlapped: 100 classes, then 10 at a time (six steps).
# Needs what configs/recall/ade_100-50.py needs, with images of the first 140 classes.
#   tools/dist_train.sh configs/recall/ade_100-10.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_mib.py',
    '../_base_/datasets/ade_100-10.py',
    '../_base_/schedules/mib_ade_60e.py',
    '../_base_/methods/recall.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=150, scenario=_base_.scenario))
later_steps = dict(train_dataloader=dict(dataset=_base_.retrieved))
