# SDR on ADE20K, 100-50, overlapped: 100 classes, then 50 (two steps). The network of the DKD
# authors. Needs what configs/dkd/ade_100-50.py needs. For 4 GPUs; batch_size is per GPU.
#   tools/dist_train.sh configs/sdr/ade_100-50.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/ade20k_512.py', '../_base_/schedules/ade_60e_sdr.py',
    '../_base_/methods/sdr.py', '../_base_/default_runtime.py'
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
        **_base_.method))
train_dataloader = dict(batch_size=1, dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
log_processor = dict(by_epoch=True)
tta_model = dict(type='IncrementalTTAModel')
randomness = dict(seed=0)
