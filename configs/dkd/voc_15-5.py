# DKD on PASCAL VOC 2012, 15-5, overlapped: 15 classes, then 5 (two steps). The authors' network and
# recipe. Needs data/VOCdevkit/VOC2012 with the masks and lists that mmseg's voc_aug.py adds; the
# ImageNet weights are downloaded on first use. For 4 GPUs; batch_size in train_dataloader is per GPU.
#   tools/dist_train.sh configs/dkd/voc_15-5.py 4
_base_ = [
    '../_base_/tasks/voc_15-5.py', '../_base_/schedules/voc_60e.py',
    '../_base_/methods/dkd.py'
]
model = dict(
    decode_head=dict(
        loss_decode=dict(_delete_=True, type='MultiBCELoss', pos_weight=2.0),
        **_base_.method))
