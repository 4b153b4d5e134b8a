# SDR on PASCAL VOC 2012, 15-5, disjoint: 15 classes, then 5 (two steps), without
# the images that show a class still to come. Needs what configs/sdr/voc_15-5.py needs.
#   tools/dist_train.sh configs/sdr/voc_15-5_disjoint.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_mib.py',
    '../_base_/datasets/voc_15-5_disjoint.py',
    '../_base_/schedules/sdr_voc_30e.py',
    '../_base_/methods/sdr_voc.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    backbone=dict(norm_cfg=dict(momentum=3e-4)),  # program
    decode_head=dict(_base_.method, num_classes=21, scenario=_base_.scenario))
train_dataloader = dict(batch_size=2)
