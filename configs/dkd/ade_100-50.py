# DKD on ADE20K, 100-50, overlapped: 100 classes, then 50 (two steps). The authors' network and recipe.
# Needs data/ade/ADEChallengeData2016 as mmseg lays it out; the ImageNet weights are downloaded on
# first use. For 4 GPUs; batch_size in train_dataloader is per GPU.
#   tools/dist_train.sh configs/dkd/ade_100-50.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/ade_100-50.py',
    '../_base_/schedules/dkd_ade_100e.py',
    '../_base_/methods/dkd_ade.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=150, scenario=_base_.scenario))
