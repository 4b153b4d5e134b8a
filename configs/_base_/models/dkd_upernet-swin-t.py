# mmseg's UPerNet on Swin-T as DKD learns it: stock network, ImageNet weights and auxiliary head, and
# all terms of Eq. 1. The config built on it says num_classes, scenario and gamma.
_base_ = ['./upernet_swin.py', '../methods/dkd_auxiliary.py']
checkpoint = 'https://mmassets.onedl.ai/mmsegmentation/v0.5/pretrain/swin/swin_tiny_patch4_window7_224_20220317-1cdeb081.pth'  # noqa
model = dict(
    type='IncrementalSegmentor',
    data_preprocessor=dict(size=(512, 512)),
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=checkpoint)),
    decode_head=dict(
        base_type='UPerHead',
        loss_decode=dict(_delete_=True, type='MultiBCELoss'),
        **_base_.method),
    auxiliary_head=dict(base_type='FCNHead', **_base_.auxiliary_method))
