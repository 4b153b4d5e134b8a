"""A softmax model that takes seconds, and a run that starts from it."""

import runpy
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.models import IncrementalSegmentor
from tests.tiny import REPOSITORY, shrink

CLASSES = ('background', 't-shirt', 'trouser', 'pullover', 'dress')
HEAD = 'decode_head.conv_seg'
AUXILIARY = {f'{HEAD}.auxiliary.weight', f'{HEAD}.auxiliary.bias'}


def command(tool: str, *arguments) -> None:
    """What a shell would run, without a process of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [tool, *map(str, arguments)])
        runpy.run_path(str(REPOSITORY / tool), run_name='__main__')


@pytest.fixture(scope='session')
def ordinary(scenes, tmp_path_factory) -> Path:
    """Folder of a tiny softmax model, trained by tools/train.py."""
    folder = tmp_path_factory.mktemp('ordinary')
    path = folder / 'fashion_4.py'
    shrink(Config.fromfile(REPOSITORY / 'configs/softmax/fashion_4.py'), scenes).dump(path)
    command('tools/train.py', path, '--work-dir', folder)
    return folder


@pytest.fixture
def from_softmax(tiny, ordinary):
    """The tiny config that starts from it."""

    def make(path=ordinary / 'iter_2.pth', iterations=2) -> Config:
        cfg = tiny('dkd/fashion_4-2_from_softmax.py', iterations)
        cfg.start_from, cfg.first_step.train_cfg.max_iters = str(path), iterations
        return cfg

    return make


def incremental(cfg: Config) -> IncrementalSegmentor:
    """The model of step 0, the same every time."""
    torch.manual_seed(0)
    return MODELS.build(step_config(cfg, 0).model)
