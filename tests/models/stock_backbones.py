"""mmseg's backbones, as narrow as they can be made, with the heads of a stock recipe."""

from tests.models.stock_heads import BN, CLS, POOLS, VIT, fcn, one, several

RESNET = dict(depth=50, base_channels=4, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))
R18 = dict(type='ResNet', depth=18, base_channels=8, norm_cfg=BN)
STDC = dict(
    type='STDCNet',
    stdc_type='STDCNet1',
    in_channels=3,
    channels=(8, 8, 16, 32, 64),
    bottleneck_type='cat',
    norm_cfg=BN,
    act_cfg=dict(type='ReLU'),
)
TWINS = dict(embed_dims=[8, 8, 16, 16], num_heads=[1, 1, 2, 2], depths=[1, 1, 1, 2])
FPN = dict(type='FPN', in_channels=[8, 8, 16, 16], out_channels=8, num_outs=4)
REPYRAMID = dict(type='Feature2Pyramid', embed_dim=16, rescales=[4, 2, 1, 0.5])


def hrnet_stage(branches: int, block: str = 'BASIC') -> dict:
    """One module of one block a branch."""
    return dict(
        num_modules=1,
        num_branches=branches,
        block=block,
        num_blocks=(1,) * branches,
        num_channels=(4, 8, 8, 8)[:branches],
    )


# Backbone: the model, with the heads and the neck of a stock recipe, and the image's size.
BACKBONES = {
    'ResNet': dict(backbone=R18, decode_head=several('UPerHead', 8, 16, 32, 64, **POOLS)),
    'ResNetV1c': dict(
        backbone=RESNET,
        decode_head=one('PSPHead', 128, **POOLS),
        auxiliary_head=fcn(64, 2),
    ),
    'ResNetV1d': dict(backbone=RESNET, decode_head=one('FCNHead', 128)),
    'ResNeXt': dict(
        backbone=dict(RESNET, groups=2, base_width=4),
        decode_head=one('ASPPHead', 128, dilations=(1, 2)),
    ),
    'ResNeSt': dict(
        backbone=dict(RESNET, stem_channels=8, reduction_factor=4),
        decode_head=one(
            'DepthwiseSeparableASPPHead', 128, dilations=(1, 2), c1_in_channels=16, c1_channels=4
        ),
        auxiliary_head=fcn(64, 2),
    ),
    'HRNet': dict(
        backbone=dict(
            extra=dict(
                stage1=hrnet_stage(1, 'BOTTLENECK'),
                **{f'stage{i}': hrnet_stage(i) for i in (2, 3, 4)},
            )
        ),
        decode_head=several(
            'FCNHead', 4, 8, 8, 8, input_transform='resize_concat', kernel_size=1, num_convs=1
        ),
    ),
    'FastSCNN': dict(
        backbone=dict(
            downsample_dw_channels=(8, 8),
            global_in_channels=8,
            global_block_channels=(8, 8, 8),
            global_out_channels=8,
            higher_in_channels=8,
            lower_in_channels=8,
            fusion_out_channels=8,
        ),
        decode_head=one('DepthwiseSeparableFCNHead'),
        auxiliary_head=[fcn(8, -2), fcn(8, -3)],
        size=64,
    ),
    'MobileNetV2': dict(
        backbone=dict(widen_factor=0.1, out_indices=(1, 2, 4, 6)),
        decode_head=one('ASPPHead', 32, dilations=(1, 2)),
        auxiliary_head=fcn(16, 2),
    ),
    'MobileNetV3': dict(
        backbone=dict(arch='small', out_indices=(0, 1, 12)),
        decode_head=several(
            'LRASPPHead', 16, 16, 576, branch_channels=(4, 4), input_transform='multiple_select'
        ),
        size=392,
    ),
    'UNet': dict(
        backbone=dict(base_channels=4),
        decode_head=fcn(4, 4),
        auxiliary_head=fcn(8, 3),
    ),
    'CGNet': dict(
        backbone=dict(num_channels=(8, 8, 8), num_blocks=(2, 2), reductions=(2, 2)),
        decode_head=fcn(16, 2, channels=16, num_convs=0, dropout_ratio=0),
    ),
    'ERFNet': dict(
        backbone=dict(
            enc_downsample_channels=(4, 8, 16),
            enc_stage_non_bottlenecks=(1, 1),
            enc_non_bottleneck_dilations=(2,),
            enc_non_bottleneck_channels=(8, 16),
            dec_upsample_channels=(8, 4),
            dec_stages_non_bottleneck=(1, 1),
            dec_non_bottleneck_channels=(8, 4),
        ),
        decode_head=fcn(4),
    ),
    'BiSeNetV1': dict(
        backbone=dict(
            backbone_cfg=R18,
            context_channels=(16, 32, 64),
            spatial_channels=(8, 8, 8, 16),
            out_channels=32,
        ),
        decode_head=fcn(32, 0),
        auxiliary_head=[fcn(16, 1), fcn(16, 2)],
    ),
    'BiSeNetV2': dict(
        backbone=dict(
            detail_channels=(8, 8, 8),
            semantic_channels=(4, 4, 8, 8),
            semantic_expansion_ratio=2,
            bga_channels=8,
        ),
        decode_head=fcn(8, 0),
        auxiliary_head=[fcn(c, i + 1, num_convs=2) for i, c in enumerate((4, 4, 8, 8))],
        size=64,
    ),
    'ICNet': dict(
        backbone=dict(
            backbone_cfg=dict(RESNET, type='ResNetV1c', norm_cfg=BN),
            layer_channels=(32, 128),
            light_branch_middle_channels=4,
            psp_out_channels=8,
            out_channels=(4, 8, 8),
            pool_scales=(1, 2),
        ),
        neck=dict(type='ICNeck', in_channels=(4, 8, 8), out_channels=8),
        decode_head=fcn(8, 2),
        auxiliary_head=[fcn(8, 0), fcn(8, 1)],
        size=64,
    ),
    'STDCNet': dict(backbone=STDC, decode_head=fcn(64)),
    'STDCContextPathNet': dict(
        backbone=dict(
            backbone_cfg=STDC,
            last_in_channels=(64, 32),
            out_channels=8,
            ffm_cfg=dict(in_channels=24, out_channels=16, scale_factor=4),
        ),
        decode_head=fcn(16, 3),
        auxiliary_head=[fcn(8, 2), fcn(8, 1)],
    ),
    'VisionTransformer': dict(
        backbone=dict(CLS),
        decode_head=one('SETRUPHead', 16, 3, num_convs=2, up_scale=2),
        auxiliary_head=[one('SETRUPHead', 16, i, up_scale=2) for i in range(3)],
    ),
    'BEiT': dict(
        backbone=dict(VIT, out_indices=(0, 1, 2, 3)),
        neck=REPYRAMID,
        decode_head=several('UPerHead', 16, 16, 16, 16, **POOLS),
        auxiliary_head=fcn(16, 2),
    ),
    'MAE': dict(
        backbone=dict(VIT, out_indices=(0, 1, 2, 3)),
        neck=REPYRAMID,
        decode_head=several('UPerHead', 16, 16, 16, 16, **POOLS),
        auxiliary_head=fcn(16, 2),
    ),
    'SwinTransformer': dict(
        backbone=dict(embed_dims=8, window_size=4, depths=[2, 2, 2, 2], num_heads=[1, 1, 2, 2]),
        decode_head=several('UPerHead', 8, 16, 32, 64, **POOLS),
        auxiliary_head=fcn(32, 2),
    ),
    'MixVisionTransformer': dict(
        backbone=dict(embed_dims=8, num_layers=[1, 1, 1, 1], num_heads=[1, 1, 2, 2]),
        decode_head=several('SegformerHead', 8, 8, 16, 16),
    ),
    'PCPVT': dict(
        backbone=dict(TWINS),
        neck=FPN,
        decode_head=several('FPNHead', 8, 8, 8, 8, feature_strides=[4, 8, 16, 32]),
        size=64,
    ),
    'SVT': dict(
        backbone=dict(TWINS, mlp_ratios=[4] * 4, sr_ratios=[4, 2, 1, 1], windiow_sizes=[2] * 4),
        neck=FPN,
        decode_head=several('FPNHead', 8, 8, 8, 8, feature_strides=[4, 8, 16, 32]),
        size=64,
    ),
    'MSCAN': dict(
        backbone=dict(embed_dims=[8, 8, 16, 16], depths=[1, 1, 1, 1], norm_cfg=BN),
        decode_head=several(
            'LightHamHead', 8, 16, 16, ham_channels=8, ham_kwargs=dict(MD_R=4, train_steps=2)
        ),
    ),
    'DDRNet': dict(backbone=dict(channels=4, ppm_channels=8), decode_head=fcn(16), size=64),
    'PIDNet': dict(backbone=dict(channels=4, ppm_channels=8), decode_head=fcn(8), size=64),
    'TIMMBackbone': dict(backbone=dict(model_name='resnet18'), decode_head=fcn()),
    # Of this package.
    'EfficientNetLite': dict(
        backbone=dict(width=0.1, depth=0.1, output_stride=16),
        decode_head=one('ASPPHead', 32, dilations=(1, 2)),
        auxiliary_head=fcn(16, 2),
    ),
    'VPD': dict(backbone=dict(diffusion_cfg=dict(), class_embed_path=''), decode_head=fcn()),
}
