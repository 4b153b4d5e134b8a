"""What DKD asks of the old model in one iteration: folded and channels_last against as built."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import nn

from mmseg_dkd.engine.hand_over import build_teacher
from mmseg_dkd.engine.resolve import step_config

from .measure import Part

CONFIG = Path(__file__).resolve().parents[1] / 'configs/dkd/voc_15-5.py'
DEVICE = torch.device('cuda' if torch.cuda.is_available() else 'cpu')


def part(quick: bool) -> Part:
    """The official DeepLabV3-ResNet-101 with random weights; N=2, 256 x 256, or 128 x 128."""
    size = 128 if quick else 256
    return Part(
        f'teacher, DeepLabV3-R101, N=2, {size} x {size}, float32',
        partial(_make, _ours, size),
        partial(_make, _plain, size),
        repeats=3 if quick else 7,
    )


def _plain(cfg: dict) -> nn.Module:
    return revert_sync_batchnorm(MODELS.build(cfg)).to(DEVICE).eval()


def _ours(cfg: dict) -> nn.Module:
    cfg.channels_last = True
    return build_teacher(cfg, MODELS.build(cfg).state_dict(), 0, DEVICE)


def _make(build: Callable[[dict], nn.Module], size: int) -> Callable[[], object]:
    # Memory is measured in a process of its own.
    init_default_scope('mmseg')
    cfg = step_config(Config.fromfile(CONFIG), 0).model
    cfg.backbone.init_cfg = None
    cfg.data_preprocessor.size = (size, size)
    teacher = build(cfg).requires_grad_(False)
    images = torch.randn(2, 3, size, size, device=DEVICE)

    @torch.no_grad()
    def run() -> object:
        head = teacher.decode_head
        return head.teacher_outputs(teacher.extract_feat(images), student=head)

    return run
