"""Write the model of a step for production: as plain mmsegmentation, as ONNX.

    mmseg-dkd export RUN/step_1/voc_15-5.py RUN/step_1/epoch_60.pth OUT_DIR --formats mmseg onnx

What is written needs nothing of this package (docs/deploy.md).
"""

import argparse

from .options import add_cfg_options, load_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument(
        'config', help='work_dirs/<run>/step_K/<config>.py, or a config with its last checkpoint'
    )
    parser.add_argument('checkpoint')
    parser.add_argument('out_dir', help='a folder that is new or empty')
    parser.add_argument('--formats', nargs='+', default=['mmseg'], help='of mmseg and onnx')
    add_cfg_options(parser)


def run(args: argparse.Namespace) -> None:
    """Write the files, and print which."""
    cfg = load_config(args.config, args.cfg_options)
    from ..export import export

    try:
        print(*export(cfg, args.checkpoint, args.out_dir, args.formats), sep='\n')
    except (ImportError, TypeError) as error:
        # A package of the extra "export" that is missing, or a head that is no convolution.
        raise ValueError(str(error)) from error
