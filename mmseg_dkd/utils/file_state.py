"""Whether files are still what they were."""

import os
from collections.abc import Iterable


def state_of(files: Iterable[str | os.PathLike]) -> str:
    """Size and time of change of each file, as text: another one once any of them was replaced.

    Args:
        files: Paths, in an order that stays. One that cannot be looked at counts as missing.
    """
    return ''.join(map(_state, files))


def _state(file: str | os.PathLike) -> str:
    try:
        stat = os.stat(file)
    except (OSError, ValueError):
        return 'missing;'
    return f'{stat.st_size} {stat.st_mtime_ns};'
