"""What tests of methods need: a head of any method on two maps, and labels."""

import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmseg_dkd.models import IncrementalHead


def head_of(
    kind: str, step: int, scenario: str | dict = '2-1', classes: int = 4, **changes
) -> IncrementalHead:
    """A small head, so many classes to learn in all, weights far from zero."""
    if isinstance(scenario, str):
        scenario = dict(name=scenario, num_classes=classes)
    torch.manual_seed(step)
    cfg = dict(
        type=kind,
        base_type='FCNHead',
        in_channels=5,
        in_index=0,
        channels=6,
        num_convs=1,
        concat_input=False,
        dropout_ratio=0,
        norm_cfg=dict(type='BN'),
        align_corners=False,
        scenario=scenario,
        step=step,
        num_classes=1 + classes,
    )
    head = MODELS.build(ConfigDict(cfg | changes))
    for parameter in head.conv_seg.parameters():
        nn.init.normal_(parameter)
    return head.double()


def samples_of(label: Tensor) -> list[SegDataSample]:
    """A sample for each image of ``[N, H, W]``."""
    return [SegDataSample(gt_sem_seg=PixelData(data=each[None])) for each in label]
