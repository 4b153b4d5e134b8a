"""A run that takes seconds: a tiny network on tiny scenes."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS

from mmseg_dkd import Scenario
from mmseg_dkd.datasets.demo.scenes import write_fashion_voc
from mmseg_dkd.engine import hand_over
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs import Run
from mmseg_dkd.runs import run as runs

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='session')
def scenes(tmp_path_factory) -> Path:
    """24 training and 8 validation scenes of 64 x 64."""
    root = tmp_path_factory.mktemp('data') / 'fashion'
    write_fashion_voc(root, train=24, val=8, size=64)
    return root


def shrink(cfg: Config, scenes: Path, iterations: int = 2) -> Config:
    """A config of the demo, made to run in seconds."""
    init_default_scope('mmseg')
    if cfg.model.backbone.type == 'MobileNetV2':  # the others are thin enough
        cfg.model.backbone.update(init_cfg=None, widen_factor=0.25)
        cfg.model.backbone.norm_cfg = cfg.model.decode_head.norm_cfg = dict(type='BN')
        cfg.model.decode_head.update(in_channels=80, channels=8, dilations=(1, 2))
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.dataset.data_root = str(scenes)
    cfg.train_dataloader.batch_size = 4
    cfg.train_cfg.max_iters = cfg.later_steps.train_cfg.max_iters = iterations
    cfg.default_hooks.checkpoint.interval = 1
    cfg.default_hooks.logger.interval = 1
    return cfg


@pytest.fixture
def tiny(scenes):
    """Make the tiny version of a config, by its path below ``configs``."""

    def make(name: str = 'dkd/fashion_4-2.py', iterations: int = 2) -> Config:
        return shrink(Config.fromfile(REPOSITORY / 'configs' / name), scenes, iterations)

    return make


@pytest.fixture(scope='session')
def finished(scenes, tmp_path_factory) -> Path:
    """Folder of a tiny DKD run of all three steps."""
    cfg = shrink(Config.fromfile(REPOSITORY / 'configs/dkd/fashion_4-2.py'), scenes)
    folder = tmp_path_factory.mktemp('runs') / 'fashion_4-2'
    Run(cfg, folder).run([0, 1, 2])
    return folder


@pytest.fixture
def undrawn(monkeypatch):
    """Steps draw no pictures, which is a third of the time of a tiny run."""
    monkeypatch.setattr(runs, 'draw', lambda *args: None)


def write_outspoken(cfg: Config, step: int, folder: Path) -> tuple[Path, Path]:
    """Config and checkpoint of a step, untrained, whose classifiers say every class somewhere."""
    cfg = step_config(cfg, step)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    inputs = [dataset[i]['inputs'] for i in range(len(dataset))]
    with torch.no_grad():
        images = model.data_preprocessor(dict(inputs=inputs))['inputs']
        feature = model.decode_head.feature(model.extract_feat(images))
        std, mean = torch.std_mean(feature, (0, 2, 3))
        for classifier in model.decode_head.conv_seg.steps:
            classifier.weight.copy_(torch.randn_like(classifier.weight) / std[:, None, None])
            classifier.bias.copy_(-2 - classifier.weight[:, :, 0, 0] @ mean)
    meta = dict(
        incremental=hand_over.describe(Scenario(**cfg.scenario), step),
        dataset_meta=dataset.metainfo,
    )
    folder.mkdir(parents=True, exist_ok=True)
    config, checkpoint = folder / 'outspoken.py', folder / 'outspoken.pth'
    cfg.dump(config)
    torch.save(dict(meta=meta, state_dict=model.state_dict()), checkpoint)
    return config, checkpoint


@pytest.fixture(scope='session')
def outspoken(scenes, tmp_path_factory) -> tuple[Path, Path]:
    """Config and checkpoint of the last step, untrained, that say every class somewhere."""
    cfg = shrink(Config.fromfile(REPOSITORY / 'configs/dkd/fashion_4-2.py'), scenes)
    return write_outspoken(cfg, 2, tmp_path_factory.mktemp('outspoken'))
