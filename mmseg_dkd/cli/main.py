"""The command ``mmseg-dkd``."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from .. import COMMAND, __version__
from . import configs

# Each with its module, here or in a folder below.
COMMANDS = {
    'train': 'train',
    'teach': 'teach',
    'test': 'test',
    'evaluate': 'evaluate',
    'compare': 'compare',
    'compare-models': 'compare_models',
    'export': 'export',
    'predict': 'predict',
    'report': 'report',
    'figures': 'figures',
    'prepare-demo': 'prepare.demo',
    'prepare-backbone': 'prepare.backbone',
    'prepare-lists': 'prepare.lists',
    'prepare-masks': 'prepare.masks',
    'configs': 'configs',
    'convert-official': 'convert_official',
    'train-softmax': 'train_softmax',
}
# What a command finds wrong with what it was given.
WRONG = (OSError, RuntimeError, SyntaxError, ValueError)


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands; ``run`` of what it gives is the command's function."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description='Class-incremental semantic segmentation for mmsegmentation.',
        epilog=f'{COMMAND} COMMAND --help tells the options of a command.',
    )
    parser.add_argument('--version', action='version', version=f'{COMMAND} {__version__}')
    commands = parser.add_subparsers(metavar='COMMAND', required=True)
    for name, file in COMMANDS.items():
        module = import_module(f'.{file}', __package__)
        text = module.__doc__ or ''
        command = commands.add_parser(
            name,
            help=text.splitlines()[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command.

    Args:
        arguments: The command and its arguments; those of the process if omitted.

    Raises:
        SystemExit: With status 2 for arguments that make no sense, and with 1 and a message for
            what the command finds wrong with what it was given.
    """
    args = make_parser().parse_args(arguments)
    if args.run is not configs.run:
        # Put off until here (mmseg_dkd/__init__.py).
        import_module('mmseg_dkd.registration')
    try:
        args.run(args)
    except WRONG as error:
        raise SystemExit(f'error: {error}') from error


def run_tool(command: str) -> None:
    """What a script in tools/ does: its command, with the arguments of the process."""
    main([command, *sys.argv[1:]])
