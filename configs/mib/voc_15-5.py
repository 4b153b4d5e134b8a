# MiB on PASCAL VOC 2012, 15-5, overlapped: 15 classes, then 5 (two steps). The network of the
# DKD authors. Needs what configs/dkd/voc_15-5.py needs. For 4 GPUs; batch_size is per GPU.
#   tools/dist_train.sh configs/mib/voc_15-5.py 4
_base_ = [
    '../_base_/tasks/voc_15-5.py', '../_base_/schedules/voc_30e.py',
    '../_base_/methods/mib.py'
]
model = dict(decode_head=_base_.method)
train_dataloader = dict(batch_size=6)
