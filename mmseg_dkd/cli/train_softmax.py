"""Train an ordinary model: mmseg's own training, which also runs on CPUs in several processes.

    mmseg-dkd train-softmax softmax/fashion_4

Its checkpoint can be step 0: mmseg-dkd train CONFIG --start-from CHECKPOINT.
"""

import argparse
from pathlib import Path

from .options import (
    CONFIG_HELP,
    add_cfg_options,
    add_launcher,
    find_config,
    load_config,
    work_dir_of,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument('config', help=f'any config of mmseg: {CONFIG_HELP}')
    parser.add_argument('--work-dir', type=Path, help='default: as for mmseg-dkd train')
    parser.add_argument('--resume', action='store_true', help='go on from the last checkpoint')
    add_launcher(parser)
    add_cfg_options(parser)


def run(args: argparse.Namespace) -> None:
    """Train."""
    cfg = load_config(args.config, args.cfg_options)
    cfg.work_dir = str(args.work_dir or work_dir_of(find_config(args.config), cfg))
    cfg.resume = args.resume
    from ..engine.amp import problems_of_device
    from ..engine.launcher import launch, make_runner

    if problems := problems_of_device(cfg):
        raise RuntimeError(*problems)
    launch(cfg, args.launcher)
    make_runner(cfg).train()
