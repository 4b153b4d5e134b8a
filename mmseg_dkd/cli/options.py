"""What several commands share: options, and the config that is named."""

import argparse
import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.config import DictAction

from ..utils.faults import OF_CODE

if TYPE_CHECKING:
    from mmengine.config import Config

PACKAGE = Path(__file__).resolve().parents[1]
MOST = 10_000
CONFIG_HELP = 'a path, or a name such as dkd/voc_15-5 (mmseg-dkd configs lists them)'


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """``--cfg-options``, as everywhere in OpenMMLab."""
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='override the config: key=value ...'
    )


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """``--launcher``, for several processes."""
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    # torch.distributed passes this on; mmengine reads LOCAL_RANK from the environment.
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)


def load_config(name: str, options: dict | None) -> 'Config':
    """The config of this path or name, with options merged over it.

    Raises:
        FileNotFoundError: As :func:`find_config`.
        ValueError: If it is no config, or an option does not fit.
    """
    from mmengine.config import Config

    path = find_config(name)
    try:
        cfg = Config.fromfile(path)
        cfg.merge_from_dict(options or {})
    # A config is Python, and its bases and imports may be missing.
    except OF_CODE as error:
        raise ValueError(f'{path}: {type(error).__name__}: {error}') from error
    return cfg


def find_config(name: str) -> Path:
    """The file of a config.

    Args:
        name: A path; or its place below a ``configs`` folder, with or without ``.py``: that of the
            current folder, of the clone, or the one that is installed with the package. The first
            that has it counts.

    Raises:
        FileNotFoundError: If there is none; it names the nearest ones.
    """
    if Path(name).is_file():
        return Path(name)
    below = name if name.endswith('.py') else f'{name}.py'
    for folder in (Path('configs'), *config_folders()):
        if (folder / below).is_file():
            return folder / below
    near = difflib.get_close_matches(name.removesuffix('.py'), [n for n, _ in all_configs()], 3)
    hint = f'did you mean {", ".join(near)}?' if near else 'mmseg-dkd configs lists them'
    raise FileNotFoundError(f'there is no config {name!r}: {hint}')


def config_folders() -> list[Path]:
    """Folders of this package's configs; ``configs`` of another project, such as mmseg, is none."""
    places = (Path('configs'), PACKAGE.parent / 'configs', PACKAGE / '.mim/configs')
    return [place for place in places if (place / '_base_/incremental_runtime.py').is_file()]


def all_configs() -> Iterator[tuple[str, Path]]:
    """Name and file of every config in the first folder that has any."""
    for folder in config_folders()[:1]:
        for path in sorted(folder.glob('[!_]*/*.py')):
            yield path.relative_to(folder).with_suffix('').as_posix(), path


def work_dir_of(config: Path, cfg: 'Config | None' = None) -> Path:
    """The default folder of a config's runs: its place below ``configs``, below ``work_dirs``.

    ``configs/dkd/voc_15-5.py`` has ``work_dirs/dkd/voc_15-5``. A config that lies elsewhere has
    its name alone, and one that names a ``work_dir`` has that, both as in mmseg.
    """
    if named := cfg and cfg.get('work_dir'):
        return Path(named)
    parts = config.resolve().with_suffix('').parts
    if 'configs' in parts[:-1]:
        start = len(parts) - parts[::-1].index('configs')
        return Path('work_dirs', *parts[start:])
    return Path('work_dirs', config.stem)


def parse_range(text: str) -> list[int]:
    """``'2'`` is ``[2]``, ``'0-2'`` is ``[0, 1, 2]``, ``'0,3-4'`` is ``[0, 3, 4]``.

    Raises:
        ValueError: If the text is anything else, or names a number twice or more than 10,000 of
            them.
    """
    numbers: list[int] = []
    for part in text.split(','):
        match = re.fullmatch(r'([0-9]{1,18})(?:-([0-9]{1,18}))?', part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            raise ValueError(f'{text!r} is neither a number nor a range such as 0-2 or 0,3')
        if last - first >= MOST:
            raise ValueError(f'{text!r} has more than {MOST:,} numbers')
        numbers += range(first, last + 1)
    if len(set(numbers)) < len(numbers):
        raise ValueError(f'{text!r} names a number twice')
    return numbers


def range_argument(text: str) -> list[int]:
    """:func:`parse_range` for argparse, which shows no text of a ValueError."""
    try:
        return parse_range(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
