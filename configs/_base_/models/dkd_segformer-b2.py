# mmseg's SegFormer-B2 as DKD learns it: stock network, ImageNet weights and all terms of Eq. 1. The
# config built on it says num_classes, scenario and gamma.
_base_ = ['./segformer_mit-b0.py', '../methods/dkd.py']
checkpoint = 'https://mmassets.onedl.ai/mmsegmentation/v0.5/pretrain/segformer/mit_b2_20220624-66e8bf70.pth'  # noqa
model = dict(
    type='IncrementalSegmentor',
    data_preprocessor=dict(size=(512, 512)),
    backbone=dict(
        embed_dims=64,
        num_layers=[3, 4, 6, 3],
        init_cfg=dict(type='Pretrained', checkpoint=checkpoint)),
    decode_head=dict(
        base_type='SegformerHead',
        in_channels=[64, 128, 320, 512],
        loss_decode=dict(_delete_=True, type='MultiBCELoss'),
        **_base_.method))
