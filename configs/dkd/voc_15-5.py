# DKD on PASCAL VOC 2012, 15-5, overlapped: 15 classes, then 5 (two steps). The authors' network and
# recipe. Needs data/VOCdevkit/VOC2012 with the masks and lists that mmseg's voc_aug.py adds; the
# ImageNet weights are downloaded on first use. For 4 GPUs; batch_size in train_dataloader is per GPU.
#   tools/dist_train.sh configs/dkd/voc_15-5.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/voc12_aug_512.py', '../_base_/schedules/voc_60e.py',
    '../_base_/methods/dkd.py', '../_base_/default_runtime.py'
]
scenario = dict(name='15-5', num_classes=20)
data_preprocessor = dict(size=(512, 512))
model = dict(
    type='IncrementalSegmentor',
    data_preprocessor=data_preprocessor,
    decode_head=dict(
        base_type='OfficialASPPHead',
        num_classes=21,
        scenario=scenario,
        loss_decode=dict(_delete_=True, type='MultiBCELoss', pos_weight=2.0),
        **_base_.method))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
log_processor = dict(by_epoch=True)
tta_model = dict(type='IncrementalTTAModel')
randomness = dict(seed=0)
