# SDR on PASCAL VOC 2012, 15-5, overlapped: 15 classes, then 5 (two steps). The network of the
# DKD authors. Needs what configs/dkd/voc_15-5.py needs. For 4 GPUs; batch_size is per GPU.
#   tools/dist_train.sh configs/sdr/voc_15-5.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/voc12_aug_512.py', '../_base_/schedules/voc_30e_sdr.py',
    '../_base_/methods/sdr.py', '../_base_/default_runtime.py'
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
        **_base_.method))
train_dataloader = dict(batch_size=2, dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
log_processor = dict(by_epoch=True)
tta_model = dict(type='IncrementalTTAModel')
randomness = dict(seed=0)
