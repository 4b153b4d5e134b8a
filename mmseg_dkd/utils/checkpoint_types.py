"""What mmengine writes into checkpoints besides tensors, made known to torch's safe loader."""

import codecs
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader

_KINDS = (np.float32, np.float64, np.int32, np.int64, np.uint32, np.uint8, np.bool_)
# These hold plain numbers. A HistoryBuffer refers to its own methods by getattr; what getattr finds
# is not called, since torch's loader calls only what is on this list.
TYPES = [
    getattr,
    # Of the bytes of an array; torch has it from 2.5 on.
    codecs.encode,
    HistoryBuffer,
    np.ndarray,
    np.dtype,
    np.array(0).__reduce__()[0],
    np.float64(0).__reduce__()[0],
    *(type(np.dtype(kind)) for kind in _KINDS),
]
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


def allow() -> None:
    """Let stock tools read mmengine's checkpoints with ``weights_only=True``, as torch 2.6 does.

    From then on mmengine itself reads local files in no other way.
    """
    torch.serialization.add_safe_globals(TYPES)
    # Its own loader runs what a file says after all where the safe one refuses it.
    CheckpointLoader.register_scheme(prefixes='', loader=_load_local, force=True)


def load(path: str | Path) -> dict:
    """Read a checkpoint onto the CPU without ever running code of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, or holds anything but tensors, plain data and numbers; it
            names file and remedy.
    """
    return _load(path, 'cpu')


def _load_local(filename: str, map_location: Any = None) -> dict:
    return _load(Path(filename).expanduser(), map_location)


def _load(path: str | Path, map_location: Any) -> dict:
    try:
        # Contexts of other loaders take away what allow() gave, so it is given here again.
        torch.serialization.add_safe_globals(TYPES)
        return torch.load(path, map_location=map_location, weights_only=True)
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        # Of torch's long advice, that to read the file all the same is none.
        reason = str(error).partition('\n')[0] or type(error).__name__
        raise ValueError(
            f'{path} is no checkpoint that can be trusted: it is damaged, or holds more than '
            f'tensors and plain data ({reason}): bring it back from a copy, or make it anew'
        ) from error
