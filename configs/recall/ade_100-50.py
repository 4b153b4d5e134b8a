# RECALL on ADE20K, 100-50, overlapped: 100 classes, then 50 (two steps). The paper has no
# ADE20K: network and schedule are those of MiB. Needs what configs/dkd/ade_100-50.py needs, and images
# of the first 100 classes, without labels, in data/recall/<class name>/, such as data/recall/wall/. For
# 4 GPUs; batch_size is per GPU.
#   tools/dist_train.sh configs/recall/ade_100-50.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_mib.py',
    '../_base_/datasets/ade_100-50.py',
    '../_base_/schedules/mib_ade_60e.py',
    '../_base_/methods/recall.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=150, scenario=_base_.scenario))
later_steps = dict(train_dataloader=dict(dataset=_base_.retrieved))
