# DKD on PASCAL VOC 2012, 15-1, overlapped, with mmseg's own UPerNet on Swin-T (auxiliary head
# included; DKD's recipe with AdamW; six steps). Needs data/VOCdevkit/VOC2012 with the masks and
# lists that mmseg's voc_aug.py adds; the ImageNet weights of Swin-T are downloaded on first use. For
# 4 GPUs; batch_size in train_dataloader is per GPU.
#   tools/dist_train.sh configs/dkd/voc_15-1_upernet-swin-t.py 4
_base_ = [
    '../_base_/models/dkd_upernet-swin-t.py', '../_base_/datasets/voc12_aug_512.py',
    '../_base_/schedules/voc_60e_adamw.py', '../_base_/default_runtime.py'
]
scenario = dict(name='15-1', num_classes=20)
head = dict(
    num_classes=21, scenario=scenario, loss_decode=dict(pos_weight=2.0))
model = dict(decode_head=head, auxiliary_head=head)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
later_steps = dict(
    model=dict(auxiliary_head=dict(loss_decode=dict(pos_weight=1.0))))
log_processor = dict(by_epoch=True)
randomness = dict(seed=0)
