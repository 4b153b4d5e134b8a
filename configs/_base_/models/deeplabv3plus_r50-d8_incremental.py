# mmseg's DeepLabV3+ on ResNet-50 as a method learns it: stock network, ImageNet weights, auxiliary head.
# The method says what kind of heads they are.
_base_ = './deeplabv3plus_r50-d8.py'
model = dict(
    type='IncrementalSegmentor',
    data_preprocessor=dict(size=(512, 512)),
    decode_head=dict(base_type='DepthwiseSeparableASPPHead'),
    auxiliary_head=dict(base_type='FCNHead'))
