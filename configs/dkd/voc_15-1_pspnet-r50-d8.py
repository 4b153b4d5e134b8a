# DKD on PASCAL VOC 2012, 15-1, overlapped, with mmseg's own PSPNet on ResNet-50 (auxiliary head
# included; DKD's recipe; six steps). Needs data/VOCdevkit/VOC2012 with the masks and lists that
# mmseg's voc_aug.py adds; the ImageNet weights of ResNet-50 are downloaded on first use. For 4 GPUs;
# batch_size in train_dataloader is per GPU.
#   tools/dist_train.sh configs/dkd/voc_15-1_pspnet-r50-d8.py 4
_base_ = [
    '../_base_/models/pspnet_r50-d8_incremental.py',
    '../_base_/datasets/voc_15-1.py',
    '../_base_/schedules/dkd_voc_60e.py',
    '../_base_/methods/dkd.py',
    '../_base_/incremental_runtime.py',
]
head = dict(num_classes=21, scenario=_base_.scenario)
model = dict(
    decode_head=dict(_base_.method, **head),
    auxiliary_head=dict(_base_.auxiliary_method, **head))
later_steps = dict(
    model=dict(auxiliary_head=dict(loss_decode=dict(pos_weight=1.0))))
