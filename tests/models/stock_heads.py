"""mmseg's heads, as narrow as they can be made, and a backbone that feeds them."""

from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.functional import gelu

BN = dict(type='BN')


@MODELS.register_module(force=True)
class Pyramid(nn.Module):
    """Four maps of 8 channels, of both signs, each half as large as the one before."""

    def __init__(self, stride: int = 4, shrink: int = 2) -> None:
        super().__init__()
        strides = (stride, shrink, shrink, shrink)
        self.convs = nn.ModuleList(
            nn.Conv2d(8 if i else 3, 8, 3, stride, 1) for i, stride in enumerate(strides)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        maps = [image]
        for conv in self.convs:
            maps.append(gelu(conv(maps[-1])))
        return maps[1:]


def one(base_type: str = 'FCNHead', in_channels: int = 8, in_index: int = -1, **more) -> dict:
    """A head of one map."""
    cfg = dict(base_type=base_type, in_channels=in_channels, in_index=in_index, channels=8)
    return cfg | dict(norm_cfg=BN) | more


def fcn(in_channels: int = 8, in_index: int = -1, **more) -> dict:
    """An auxiliary head as stock recipes have it."""
    return one('FCNHead', in_channels, in_index, num_convs=1, concat_input=False) | more


def several(base_type: str, *in_channels: int, **more) -> dict:
    """A head of the last maps, of so many channels each."""
    index = list(range(-len(in_channels), 0))
    return one(base_type, list(in_channels), index) | more


VIT = dict(img_size=32, patch_size=16, embed_dims=16, num_layers=4, num_heads=2, mlp_ratio=2)
CLS = dict(VIT, type='VisionTransformer', out_indices=(0, 1, 2, 3), final_norm=False)
POOLS = dict(pool_scales=(1, 2))
# Head: its config, and a backbone where it cannot take the maps of the pyramid.
HEADS = {
    'ANNHead': several('ANNHead', 8, 8, project_channels=4, key_pool_scales=(1, 2)),
    'APCHead': one('APCHead', **POOLS),
    'ASPPHead': one('ASPPHead', dilations=(1, 2)),
    'CCHead': one('CCHead'),
    'DAHead': one('DAHead', pam_channels=4),
    'DDRHead': one('DDRHead'),
    'DMHead': one('DMHead', filter_sizes=(1, 3)),
    'DNLHead': one('DNLHead'),
    'DPTHead': dict(
        several('DPTHead', 16, 16, 16, 16),
        input_transform='multiple_select',
        embed_dims=16,
        post_process_channels=[4, 4, 8, 8],
        readout_type='project',
        backbone=dict(CLS, with_cls_token=True, output_cls_token=True),
    ),
    'DepthwiseSeparableASPPHead': one(
        'DepthwiseSeparableASPPHead', dilations=(1, 2), c1_in_channels=8, c1_channels=4
    ),
    'DepthwiseSeparableFCNHead': one('DepthwiseSeparableFCNHead'),
    'EMAHead': one('EMAHead', ema_channels=8, num_bases=4, num_stages=2),
    'EncHead': several('EncHead', 8, 8, num_codes=4),
    'FCNHead': one('FCNHead'),
    'FPNHead': several('FPNHead', 8, 8, 8, 8, feature_strides=[4, 8, 16, 32]),
    'GCHead': one('GCHead', ratio=0.5, pooling_type='att', fusion_types=('channel_add',)),
    'ISAHead': one('ISAHead', isa_channels=4, down_factor=(2, 2)),
    'IterativeDecodeHead': dict(
        base_type='IterativeDecodeHead',
        num_stages=0,
        kernel_generate_head=dict(type='FCNHead'),
        kernel_update_head=[],
    ),
    'KernelUpdateHead': one('KernelUpdateHead'),
    'LRASPPHead': several(
        'LRASPPHead',
        *(8, 8, 8),
        branch_channels=(4, 4),
        input_transform='multiple_select',
        # Its average pooling has a kernel of 49.
        backbone=dict(type='Pyramid', stride=1, shrink=1),
    ),
    'LightHamHead': several(
        'LightHamHead', 8, 8, 8, ham_channels=8, ham_kwargs=dict(MD_R=4, train_steps=2)
    ),
    'NLHead': one('NLHead'),
    'OCRHead': one('OCRHead', ocr_channels=4),
    'OfficialASPPHead': one('OfficialASPPHead', dilations=(1, 2)),
    'PIDHead': one('PIDHead'),
    'PSAHead': one('PSAHead', mask_size=(2, 2)),
    'PSPHead': one('PSPHead', **POOLS),
    'PointHead': one('PointHead'),
    'ProjectedASPPHead': one('ProjectedASPPHead', dilations=(1, 2)),
    'SETRMLAHead': dict(
        several('SETRMLAHead', 8, 8, 8, 8, mla_channels=2, up_scale=2),
        backbone=dict(type='Pyramid', stride=8, shrink=1),
    ),
    'SETRUPHead': one('SETRUPHead', num_convs=2, up_scale=2),
    'STDCHead': fcn(base_type='STDCHead'),
    'SegformerHead': several('SegformerHead', 8, 8, 8, 8),
    'SegmenterMaskTransformerHead': one(
        'SegmenterMaskTransformerHead', num_layers=1, num_heads=1, embed_dims=8
    ),
    'SideAdapterCLIPHead': one('SideAdapterCLIPHead'),
    'UPerHead': several('UPerHead', 8, 8, 8, 8, **POOLS),
    'VPDDepthHead': one('VPDDepthHead'),
    'MaskFormerHead': one('MaskFormerHead'),
    'Mask2FormerHead': one('Mask2FormerHead'),
}
