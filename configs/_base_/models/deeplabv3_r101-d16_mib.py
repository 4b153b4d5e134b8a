# The network of MiB, PLOP, SDR, RCIL and fine-tuning: that of deeplabv3_r101-d16_official.py, with
# what the released programs of these methods have otherwise. Their activated BatchNorm (leaky ReLU
# 0.01) is BatchNorm and ReLU here. The method says what kind of head the decode head is.
_base_ = './deeplabv3_r50-d8.py'
data_preprocessor = dict(size=(512, 512))
model = dict(
    type='IncrementalSegmentor',
    data_preprocessor=data_preprocessor,
    pretrained=None,
    backbone=dict(
        type='ResNet',
        depth=101,
        strides=(1, 2, 2, 1),
        dilations=(1, 1, 1, 2),
        # Program.
        norm_cfg=dict(momentum=0.1),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.pytorch.org/models/resnet101-63fe2227.pth'
        )),
    decode_head=dict(
        base_type='OfficialASPPHead',
        channels=256,
        dilations=(1, 6, 12, 18),
        # Program: no dropout.
        projection_dropout=0.,
        dropout_ratio=0.,
        # Program: fresh classifiers. mmseg's have a std of 0.01.
        init_cfg=dict(
            type='Normal', std=0.036, override=dict(name='conv_seg'))),
    auxiliary_head=None)
