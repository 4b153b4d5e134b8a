"""Write a step's model for production: as plain mmsegmentation, as ONNX.

    python tools/export.py work_dirs/voc_15-5/step_1/voc_15-5.py \
        work_dirs/voc_15-5/step_1/epoch_60.pth exported/voc_15-5 --formats mmseg onnx

What is written needs nothing of this package (docs/deploy.md).
"""

import argparse

from mmengine.config import Config, DictAction

from mmseg_dkd.export import FORMATS, export


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'config', help='work_dirs/<run>/step_K/<config>.py, or a config with its last checkpoint'
    )
    parser.add_argument('checkpoint')
    parser.add_argument('out_dir', help='a folder that is new or empty')
    parser.add_argument('--formats', nargs='+', choices=FORMATS, default=['mmseg'])
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='override the config: key=value ...'
    )
    args = parser.parse_args()
    try:
        cfg = Config.fromfile(args.config)
        cfg.merge_from_dict(args.cfg_options or {})
        print(*export(cfg, args.checkpoint, args.out_dir, args.formats), sep='\n')
    except (FileNotFoundError, ImportError, RuntimeError, TypeError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error


if __name__ == '__main__':
    main()
