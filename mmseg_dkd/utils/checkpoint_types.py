"""Reads checkpoints without running what they say.

torch's safe loader calls what a file names, if it is on a list of the process, and mmengine's own
checkpoints name ``getattr``, its ``HistoryBuffer`` and numpy's constructors. With these on the list
a file could reach code. So their names stand here for classes that hold numbers and do nothing, and
what these hold is made into arrays and histories after the file is closed.
"""

import pickle
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

# Of arrays: truth values, whole numbers, numbers.
NUMBERS = 'biuf'
# What torch's loader raises on files that are cut off, changed or no checkpoints at all.
UNREADABLE = (
    pickle.UnpicklingError,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class _DType:
    """Stands for ``numpy.dtype``: a kind of number."""

    def __init__(self, name: str, align: bool = False, copy: bool = False) -> None:
        if not isinstance(name, str):
            raise TypeError(f'an array of {name!r:.100} is none of numbers')
        self.kind = np.dtype(name)
        if self.kind.kind not in NUMBERS or self.kind.shape:
            raise TypeError(f'an array of {name!r:.100} is none of numbers')

    def __setstate__(self, state: tuple) -> None:
        _, order, *of_records = state
        if any(part is not None for part in of_records[:3]):
            raise TypeError('an array of records is none of numbers')
        self.kind = self.kind.newbyteorder(order)


class _Array:
    """Stands for ``numpy.ndarray``."""

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, is_fortran, content = state
        order: Literal['F', 'C'] = 'F' if is_fortran else 'C'
        self.value = np.ndarray(shape, dtype.kind, content, order=order).copy(order)


class _History:
    """Stands for ``HistoryBuffer``: its numbers, none of its methods."""

    def __setstate__(self, state: dict) -> None:
        self.value = HistoryBuffer(
            _array(state['_log_history']), _array(state['_count_history']), int(state['max_length'])
        )


def _empty_array(kind: type, shape: tuple, dtype: bytes) -> _Array:
    if kind is not _Array:
        raise TypeError(f'{kind!r:.100} is no array')
    return _Array()


def _scalar(dtype: _DType, content: bytes) -> Any:
    return np.ndarray((), dtype.kind, content)[()]


def _no_attribute(owner: object, name: str) -> None:
    """Stands for ``getattr``, by which a HistoryBuffer names its methods."""


def _no_bytes() -> bytes:
    """Stands for ``bytes``, by which pickle writes those of an empty array."""
    return b''


def _array(part: object) -> np.ndarray:
    if not isinstance(part, _Array) or part.value.ndim != 1:
        raise TypeError(f'{part!r:.100} is no history')
    return part.value


STAND_INS = [
    (_no_attribute, 'builtins.getattr'),
    (_no_bytes, 'builtins.bytes'),
    (_History, 'mmengine.logging.history_buffer.HistoryBuffer'),
    (_Array, 'numpy.ndarray'),
    (_DType, 'numpy.dtype'),
    # numpy 2 and 1.
    *((_empty_array, f'numpy.{core}.multiarray._reconstruct') for core in ('_core', 'core')),
    *((_scalar, f'numpy.{core}.multiarray.scalar') for core in ('_core', 'core')),
]


def load(path: str | Path, map_location: Any = 'cpu') -> Any:
    """Read a checkpoint without ever running code of the file.

    Args:
        path: The file.
        map_location: As for ``torch.load``.

    Returns:
        What was saved: tensors, plain data, arrays of numbers, and mmengine's histories of numbers.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, or holds anything else; it names file and remedy.
    """
    try:
        with _nothing_but(STAND_INS):
            content = torch.load(path, map_location=map_location, weights_only=True)
        return _values(content)
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        # Of torch's long advice, that to read the file all the same is none.
        reason = str(error).partition('\n')[0] or type(error).__name__
        raise ValueError(
            f'{path} is no checkpoint that can be trusted: it is damaged, or holds more than '
            f'tensors and plain data ({reason}): bring it back from a copy, or make it anew'
        ) from error


@contextmanager
def _nothing_but(allowed: list) -> Iterator[None]:
    """Let torch's safe loader know nothing that anybody else has allowed."""
    before = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    torch.serialization.add_safe_globals(allowed)
    try:
        yield
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def _values(part: Any, known: dict[int, tuple] | None = None) -> Any:
    """What the stand-ins hold, in their places; dictionaries and lists stay the same ones.

    Args:
        part: Of what was read.
        known: By the id of a part that was looked at, the part, which keeps its id, and its value.
    """
    known = {} if known is None else known
    if id(part) in known:
        return known[id(part)][1]
    known[id(part)] = part, part
    if isinstance(part, _Array | _History):
        known[id(part)] = part, part.value
    elif isinstance(part, dict):
        for key, value in part.items():
            part[key] = _values(value, known)
    elif isinstance(part, list):
        part[:] = [_values(item, known) for item in part]
    elif type(part) is tuple:
        known[id(part)] = part, tuple(_values(item, known) for item in part)
    elif callable(part) or isinstance(part, _DType):
        raise TypeError(f'{part!r:.100} is no data')
    return known[id(part)][1]
