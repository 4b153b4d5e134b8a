# A small network for the embedded demo set: MobileNetV2 (ImageNet weights written by
# tools/prepare_demo.py) at output stride 16, ASPP with 96 channels. The method says what kind of head
# the decode head is.
model = dict(
    type='IncrementalSegmentor',
    channels_last=True,
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size=(128, 128),
        pad_val=0,
        seg_pad_val=255),
    backbone=dict(
        type='MobileNetV2',
        widen_factor=1.0,
        strides=(1, 2, 2, 2, 1, 1, 1),
        dilations=(1, 1, 1, 1, 1, 2, 2),
        out_indices=(1, 2, 4, 6),
        norm_cfg=dict(type='SyncBN', requires_grad=True),
        init_cfg=dict(
            type='Pretrained', checkpoint='pretrained/mobilenet_v2.pth')),
    decode_head=dict(
        base_type='ASPPHead',
        in_channels=320,
        in_index=3,
        channels=96,
        dilations=(1, 3, 6),
        dropout_ratio=0.1,
        num_classes=9,
        norm_cfg=dict(type='SyncBN', requires_grad=True),
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss')),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
