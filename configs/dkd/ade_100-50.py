# DKD on ADE20K, 100-50, overlapped: 100 classes, then 50 (two steps). The authors' network and recipe.
# Needs data/ade/ADEChallengeData2016 as mmseg lays it out; the ImageNet weights are downloaded on
# first use. For 4 GPUs; batch_size in train_dataloader is per GPU.
#   tools/dist_train.sh configs/dkd/ade_100-50.py 4
_base_ = [
    '../_base_/tasks/ade_100-50.py', '../_base_/schedules/ade_100e.py',
    '../_base_/methods/dkd.py'
]
model = dict(
    decode_head=dict(
        # Paper: gamma is 35 at every step.
        loss_decode=dict(_delete_=True, type='MultiBCELoss', pos_weight=35.0),
        **_base_.method))
