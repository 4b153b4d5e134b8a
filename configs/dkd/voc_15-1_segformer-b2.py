# DKD on PASCAL VOC 2012, 15-1, overlapped, with mmseg's own SegFormer-B2 (DKD's recipe with AdamW;
# six steps). Needs data/VOCdevkit/VOC2012 with the masks and lists that mmseg's voc_aug.py adds; the
# ImageNet weights of MiT-B2 are downloaded on first use. For 4 GPUs; batch_size in train_dataloader
# is per GPU.
#   tools/dist_train.sh configs/dkd/voc_15-1_segformer-b2.py 4
_base_ = [
    '../_base_/models/segformer_mit-b2_incremental.py',
    '../_base_/datasets/voc_15-1.py',
    '../_base_/schedules/dkd_voc_60e_adamw.py',
    '../_base_/methods/dkd.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=21, scenario=_base_.scenario))
