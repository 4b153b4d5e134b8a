# The network of the DKD authors: torchvision's ResNet-101 (7x7 stem) at output stride 16 and its
# DeepLabV3 head with 256 channels, a 1x1 projection and one more 3x3 conv; no auxiliary head. The method
# says what kind of head the decode head is.
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
        # With the inherited contract_dilation=True this is what torchvision calls
        # replace_stride_with_dilation=[False, False, True].
        dilations=(1, 1, 1, 2),
        norm_cfg=dict(momentum=0.01),
        # What torchvision://resnet101 names; that name needs torchvision installed, this does not.
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://download.pytorch.org/models/resnet101-63fe2227.pth'
        )),
    decode_head=dict(
        base_type='OfficialASPPHead',
        channels=256,
        dilations=(1, 6, 12, 18),
        dropout_ratio=0.,
        # Program: fresh classifiers, as in SSUL's. mmseg's have a std of 0.01.
        init_cfg=dict(
            type='Normal', std=0.088, override=dict(name='conv_seg'))),
    auxiliary_head=None)
