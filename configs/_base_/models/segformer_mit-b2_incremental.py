# mmseg's SegFormer-B2 as a method learns it: stock network, ImageNet weights. The method says what kind of
# head the decode head is.
_base_ = './segformer_mit-b0.py'
checkpoint = 'https://mmassets.onedl.ai/mmsegmentation/v0.5/pretrain/segformer/mit_b2_20220624-66e8bf70.pth'  # noqa
model = dict(
    type='IncrementalSegmentor',
    data_preprocessor=dict(size=(512, 512)),
    backbone=dict(
        embed_dims=64,
        num_layers=[3, 4, 6, 3],
        init_cfg=dict(type='Pretrained', checkpoint=checkpoint)),
    decode_head=dict(
        base_type='SegformerHead', in_channels=[64, 128, 320, 512]))
