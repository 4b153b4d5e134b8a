# RCIL on PASCAL VOC 2012, 15-5, disjoint: 15 classes, then 5 (two steps), without
# the images that show a class still to come. Needs what configs/rcil/voc_15-5.py needs.
#   tools/dist_train.sh configs/rcil/voc_15-5_disjoint.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_mib.py',
    '../_base_/datasets/voc_15-5_disjoint.py',
    '../_base_/schedules/rcil_voc_30e.py',
    '../_base_/methods/rcil_voc.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=21, scenario=_base_.scenario))
train_dataloader = dict(batch_size=6)
later_steps = dict(model=_base_.later_model)
