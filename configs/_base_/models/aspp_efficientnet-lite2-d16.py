# A small network for photographs: EfficientNet-Lite2 (ImageNet weights written by mmseg-dkd
# prepare-backbone) at output stride 16, ASPP with 96 channels. The method says what kind of head the
# decode head is; a config gives the data_preprocessor its size, the crop of the data.
model = dict(
    type='IncrementalSegmentor',
    channels_last=True,
    # What the weights were trained with.
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[127.0, 127.0, 127.0],
        std=[128.0, 128.0, 128.0],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255),
    backbone=dict(
        type='EfficientNetLite',
        width=1.1,
        depth=1.2,
        output_stride=16,
        out_indices=(1, 2, 4, 6),
        norm_cfg=dict(type='SyncBN', eps=1e-3, requires_grad=True),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='pretrained/efficientnet_lite2.pth')),
    decode_head=dict(
        base_type='ASPPHead',
        in_channels=352,
        in_index=3,
        channels=96,
        dilations=(1, 3, 6),
        dropout_ratio=0.1,
        num_classes=21,
        norm_cfg=dict(type='SyncBN', requires_grad=True),
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss')),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
