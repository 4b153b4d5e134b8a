# mmseg's UPerNet on Swin-T as a method learns it: stock network, ImageNet weights, auxiliary head. The
# method says what kind of heads they are.
_base_ = './upernet_swin.py'
checkpoint = 'https://mmassets.onedl.ai/mmsegmentation/v0.5/pretrain/swin/swin_tiny_patch4_window7_224_20220317-1cdeb081.pth'  # noqa
model = dict(
    type='IncrementalSegmentor',
    data_preprocessor=dict(size=(512, 512)),
    backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=checkpoint)),
    decode_head=dict(base_type='UPerHead'),
    auxiliary_head=dict(base_type='FCNHead'))
