# mmseg's DeepLabV3+ on ResNet-50 as DKD learns it: stock network, ImageNet weights and auxiliary
# head, and all terms of Eq. 1. The config built on it says num_classes, scenario and gamma.
_base_ = ['./deeplabv3plus_r50-d8.py', '../methods/dkd_auxiliary.py']
model = dict(
    type='IncrementalSegmentor',
    data_preprocessor=dict(size=(512, 512)),
    decode_head=dict(
        base_type='DepthwiseSeparableASPPHead',
        loss_decode=dict(_delete_=True, type='MultiBCELoss'),
        **_base_.method),
    auxiliary_head=dict(base_type='FCNHead', **_base_.auxiliary_method))
