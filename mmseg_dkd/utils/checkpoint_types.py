"""Checkpoints are read by torch's safe loader, and by stand-ins for what mmengine adds to tensors.

torch's loader calls what is on its list with whatever arguments a file has, and lets the file write
into what comes out. So nothing of numpy's, mmengine's or Python's own is on the list, only the
functions and classes below. They take numbers and refuse everything else.
"""

import pickle
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, BinaryIO

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

# What torch's loader and the stand-ins raise on files that are cut off, changed or no checkpoints.
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
NUMBERS = frozenset('b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16'.split())
# The list of torch is one for the whole process.
_LOCK = RLock()


def load(path: str | Path) -> dict:
    """Read a checkpoint onto the CPU without ever running code of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, or holds anything but tensors, plain data and numbers; it
            names file and remedy.
    """
    return read(path, path, 'cpu')


def read(source: Path | BinaryIO | str, name: str | Path, map_location: Any) -> dict:
    """Read a checkpoint from a file or a stream.

    Args:
        source: Path, or what has the bytes.
        name: What errors call it.
        map_location: As of ``torch.load``.

    Raises:
        FileNotFoundError, ValueError: As :func:`load`.
    """
    try:
        with _stand_ins_alone():
            return torch.load(source, map_location=map_location, weights_only=True)
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        # torch wraps its reason in advice, that to read the file all the same among it.
        wrapped = isinstance(error, pickle.UnpicklingError) and error.__context__
        reason = re.split(r'\n|\.\s', str(wrapped or error))[0] or type(error).__name__
        raise ValueError(
            f'{name} is no checkpoint that can be trusted: it is damaged, or holds more than '
            f'tensors and plain data ({reason}): bring it back from a copy, or make it anew'
        ) from error


@contextmanager
def _stand_ins_alone() -> Iterator[None]:
    """What else the process allows, maybe ``getattr`` itself, is of no use to our files."""
    with _LOCK:
        others = torch.serialization.get_safe_globals()
        torch.serialization.clear_safe_globals()
        try:
            torch.serialization.add_safe_globals(STAND_INS)
            yield
        finally:
            torch.serialization.clear_safe_globals()
            torch.serialization.add_safe_globals(others)


class _DType:
    """``np.dtype`` of numbers.

    The real one believes what a file says of its fields, so that an array of it would take bytes of
    the file for addresses of objects.
    """

    def __init__(self, code: str, *_: object) -> None:
        if code not in NUMBERS:
            raise ValueError(f'an array of {code!r}, which are no numbers')
        self.real = np.dtype(code)

    def __setstate__(self, state: tuple) -> None:
        self.real = self.real.newbyteorder(state[1])


class _Array(np.ndarray):
    """An array of numbers; it is saved as ``np.ndarray``."""

    def __new__(cls, *_: object) -> '_Array':
        return super().__new__(cls, 0)

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, fortran, content = state
        array = _numbers(dtype, content).reshape(shape, order='F' if fortran else 'C')
        checked: Any = 1, array.shape, array.dtype, bool(fortran), content
        super().__setstate__(checked)

    def __reduce__(self) -> Any:
        return self.view(np.ndarray).__reduce__()


class _History:
    """``HistoryBuffer``, which it becomes when its numbers are there.

    The file's ``statistics_methods`` are left out: the class knows its own.
    """

    def __setstate__(self, state: dict) -> None:
        numbers = state['_log_history'], state['_count_history']
        if not all(type(part) is _Array for part in numbers):
            raise ValueError('a HistoryBuffer of something else than numbers')
        history = HistoryBuffer(*numbers, max_length=int(state['max_length']))
        self.__class__ = HistoryBuffer
        self.__dict__.update(vars(history))


def _numbers(dtype: object, content: bytes) -> np.ndarray:
    if type(dtype) is not _DType or type(content) is not bytes:
        raise ValueError('an array of something else than numbers')
    return np.frombuffer(content, dtype.real)


def _scalar(dtype: _DType, content: bytes) -> np.generic:
    (number,) = _numbers(dtype, content)
    return number


def _method(owner: object, name: str) -> None:
    """``getattr``, by which a HistoryBuffer names its methods."""
    if owner is not _History:
        raise ValueError(f'getattr of {name!r}')


# With the names that files have for them; numpy 2 has renamed numpy.core.
STAND_INS = [
    (_method, 'builtins.getattr'),
    (_History, 'mmengine.logging.history_buffer.HistoryBuffer'),
    (_DType, 'numpy.dtype'),
    (_Array, 'numpy.ndarray'),
    *((_Array, f'numpy.{core}.multiarray._reconstruct') for core in ('core', '_core')),
    *((_scalar, f'numpy.{core}.multiarray.scalar') for core in ('core', '_core')),
]
