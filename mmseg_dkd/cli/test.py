"""Test the checkpoint of one step: mmseg's own test, on CPUs in several processes too."""

import argparse
from pathlib import Path

from .options import add_cfg_options, add_launcher, load_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument(
        'config', help='work_dirs/<run>/step_K/<config>.py, or a config with its last checkpoint'
    )
    parser.add_argument('checkpoint', type=Path)
    parser.add_argument('--work-dir', help='default: test, beside the checkpoint')
    parser.add_argument('--tta', action='store_true', help='test-time augmentation')
    add_launcher(parser)
    add_cfg_options(parser)


def run(args: argparse.Namespace) -> None:
    """Test; mmengine prints the scores.

    Raises:
        FileNotFoundError: If there is no checkpoint.
        ValueError: If the config knows no test-time augmentation.
    """
    if not args.checkpoint.is_file():
        raise FileNotFoundError(f'{args.checkpoint}: no such file')
    cfg = load_config(args.config, args.cfg_options)
    cfg.work_dir = args.work_dir or str(args.checkpoint.parent / 'test')
    cfg.load_from, cfg.resume = str(args.checkpoint), False
    if args.tta:
        if 'tta_pipeline' not in cfg or 'tta_model' not in cfg:
            raise ValueError(f'{args.config} has no tta_pipeline and tta_model')
        cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
        cfg.tta_model.module = cfg.model
        cfg.model = cfg.tta_model
    from ..engine.launcher import launch, make_runner

    launch(cfg, args.launcher)
    make_runner(cfg).test()
