# DKD on ADE20K, 100-50, overlapped: 100 classes, then 50 (two steps). The authors' network and recipe.
# Needs data/ade/ADEChallengeData2016 as mmseg lays it out; the ImageNet weights are downloaded on
# first use. For 4 GPUs; batch_size in train_dataloader is per GPU.
#   tools/dist_train.sh configs/dkd/ade_100-50.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/ade20k_512.py', '../_base_/schedules/ade_100e.py',
    '../_base_/methods/dkd.py', '../_base_/default_runtime.py'
]
scenario = dict(name='100-50', num_classes=150, has_background=False)
data_preprocessor = dict(size=(512, 512))
model = dict(
    type='IncrementalSegmentor',
    data_preprocessor=data_preprocessor,
    decode_head=dict(
        base_type='OfficialASPPHead',
        num_classes=150,
        scenario=scenario,
        # Paper: gamma is 35 at every step.
        loss_decode=dict(_delete_=True, type='MultiBCELoss', pos_weight=35.0),
        **_base_.method))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
log_processor = dict(by_epoch=True)
tta_model = dict(type='IncrementalTTAModel')
randomness = dict(seed=0)
