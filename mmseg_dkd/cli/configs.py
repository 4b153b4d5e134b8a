"""List the configs that are there, one line each with what it is.

mmseg-dkd configs
mmseg-dkd configs 'dkd*/voc_*'
"""

import argparse
import re
from fnmatch import fnmatch
from pathlib import Path

from .options import all_configs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument('pattern', nargs='?', default='*', help='such as dkd/* or voc_15-5')


def run(args: argparse.Namespace) -> None:
    """Print name and first sentence of each.

    Raises:
        ValueError: If there is none.
    """
    pattern = args.pattern if '*' in args.pattern else f'*{args.pattern}*'
    found = [(name, path) for name, path in all_configs() if fnmatch(name, pattern)]
    if not found:
        raise ValueError(f'no config is like {args.pattern!r}: leave it out to see all')
    width = max(len(name) for name, _ in found)
    for name, path in found:
        print(f'{name:{width}}  {first_sentence(path)}')


def first_sentence(config: Path) -> str:
    """The first sentence of the comment that a config opens with."""
    header = re.match(r'(?:#.*\n)*', config.read_text())
    text = ' '.join(line.lstrip('# ') for line in (header[0] if header else '').splitlines())
    # "Eq. 5" ends no sentence.
    return re.split(r'(?<!Eq)\. ', text, maxsplit=1)[0].rstrip('.')
