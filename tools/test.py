"""Test one step's checkpoint: mmseg's own test, which also runs on CPUs in several processes."""

import argparse
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.runner import Runner

from mmseg_dkd.engine.launcher import launch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'config', help='work_dirs/<run>/step_K/<config>.py, or a config with its last checkpoint'
    )
    parser.add_argument('checkpoint')
    parser.add_argument('--work-dir', help='default: test, beside the checkpoint')
    parser.add_argument('--tta', action='store_true', help='test-time augmentation')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='override the config: key=value ...'
    )
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not Path(args.checkpoint).is_file():
        raise SystemExit(f'error: {args.checkpoint}: no such file')
    cfg = Config.fromfile(args.config)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    cfg.work_dir = args.work_dir or str(Path(args.checkpoint).parent / 'test')
    cfg.load_from, cfg.resume = args.checkpoint, False
    if args.tta:
        if 'tta_pipeline' not in cfg or 'tta_model' not in cfg:
            raise SystemExit(f'error: {args.config} has no tta_pipeline and tta_model')
        cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
        cfg.tta_model.module = cfg.model
        cfg.model = cfg.tta_model
    try:
        launch(cfg, args.launcher)
        Runner.from_cfg(cfg).test()
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(f'error: {error}') from error


if __name__ == '__main__':
    main()
