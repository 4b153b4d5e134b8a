# DKD on PASCAL VOC 2012, 15-1, disjoint: 15 classes, then one at a time (six steps), without
# the images that show a class still to come. Needs what voc_15-5.py needs.
#   tools/dist_train.sh configs/dkd/voc_15-1_disjoint.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/voc_15-1_disjoint.py',
    '../_base_/schedules/dkd_voc_60e.py',
    '../_base_/methods/dkd.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=21, scenario=_base_.scenario))
