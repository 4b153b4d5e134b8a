# ADE20K, 100-50, overlapped, on the network of the DKD authors. A config built on it adds a schedule, a
# method and model = dict(decode_head=_base_.method).
_base_ = [
    '../models/deeplabv3_r101-d16_official.py', '../datasets/ade20k_512.py',
    '../default_runtime.py'
]
scenario = dict(name='100-50', num_classes=150, has_background=False)
data_preprocessor = dict(size=(512, 512))
model = dict(
    type='IncrementalSegmentor',
    data_preprocessor=data_preprocessor,
    decode_head=dict(
        base_type='OfficialASPPHead', num_classes=150, scenario=scenario))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
log_processor = dict(by_epoch=True)
tta_model = dict(type='IncrementalTTAModel')
randomness = dict(seed=0)
