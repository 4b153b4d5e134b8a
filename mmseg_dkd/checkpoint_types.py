"""What mmengine writes into checkpoints besides tensors, made known to torch's safe loader."""

from pathlib import Path

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

_KINDS = (np.float32, np.float64, np.int32, np.int64, np.uint32, np.uint8, np.bool_)
# These hold plain numbers. A HistoryBuffer refers to its own methods by getattr; what getattr finds
# is not called, since torch's loader calls only what is on this list.
TYPES = [
    getattr,
    HistoryBuffer,
    np.ndarray,
    np.dtype,
    np.array(0).__reduce__()[0],
    np.float64(0).__reduce__()[0],
    *(type(np.dtype(kind)) for kind in _KINDS),
]


def allow() -> None:
    """Let stock tools read mmengine's checkpoints with ``weights_only=True``, as torch 2.6 does."""
    torch.serialization.add_safe_globals(TYPES)


def load(path: str | Path) -> dict:
    """Read a checkpoint onto the CPU without ever running code of the file.

    Raises:
        pickle.UnpicklingError: If the file holds anything but tensors, plain data and numbers.
    """
    # Other loaders' contexts take away what allow() gave, so it is given here again.
    with torch.serialization.safe_globals(TYPES):
        return torch.load(path, map_location='cpu', weights_only=True)
