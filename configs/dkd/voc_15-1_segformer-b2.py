# DKD on PASCAL VOC 2012, 15-1, overlapped, with mmseg's own SegFormer-B2 (DKD's recipe with AdamW;
# six steps). Needs data/VOCdevkit/VOC2012 with the masks and lists that mmseg's voc_aug.py adds; the
# ImageNet weights of MiT-B2 are downloaded on first use. For 4 GPUs; batch_size in train_dataloader
# is per GPU.
#   tools/dist_train.sh configs/dkd/voc_15-1_segformer-b2.py 4
_base_ = [
    '../_base_/models/dkd_segformer-b2.py', '../_base_/datasets/voc12_aug_512.py',
    '../_base_/schedules/voc_60e_adamw.py', '../_base_/default_runtime.py'
]
scenario = dict(name='15-1', num_classes=20)
model = dict(
    decode_head=dict(
        num_classes=21,
        scenario=scenario,
        loss_decode=dict(pos_weight=2.0)))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
log_processor = dict(by_epoch=True)
randomness = dict(seed=0)
