# What VOC and ADE20K share: the network of the DKD authors, images of 512 x 512. A task built on it adds
# scenario, data and number of classes.
_base_ = [
    '../models/deeplabv3_r101-d16_official.py', '../default_runtime.py'
]
data_preprocessor = dict(size=(512, 512))
model = dict(
    type='IncrementalSegmentor',
    data_preprocessor=data_preprocessor,
    decode_head=dict(base_type='OfficialASPPHead'))
log_processor = dict(by_epoch=True)
tta_model = dict(type='IncrementalTTAModel')
randomness = dict(seed=0)
