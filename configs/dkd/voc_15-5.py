# DKD on PASCAL VOC 2012, 15-5, overlapped: 15 classes, then 5 (two steps). The authors' network and
# recipe. Needs data/VOCdevkit/VOC2012 with the masks and lists that mmseg's voc_aug.py adds; the
# ImageNet weights are downloaded on first use. For 4 GPUs; batch_size in train_dataloader is per GPU.
#   tools/dist_train.sh configs/dkd/voc_15-5.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/voc_15-5.py',
    '../_base_/schedules/dkd_voc_60e.py',
    '../_base_/methods/dkd.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=21, scenario=_base_.scenario))
