"""What one process makes and the others wait for, however long it takes."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.dist import is_distributed
from torch.distributed.distributed_c10d import _get_default_store

EVERY = 0.5


def made_once(path: Path, read: Callable[[Path], Any], make: Callable[[], Any], makes: bool) -> Any:
    """Read a file. If it is not there, one process makes it and the others wait for it.

    The others look for the file again and again. In a collective they would be ended by the
    time-out of the process group, 10 minutes for NCCL and 30 for gloo. If the maker fails, the
    store of the process group tells them. If it dies, the store is lost, or their launcher ends
    them. A maker whose file is there may call this alone.

    Args:
        path: The file.
        read: Called with the path; gives what is in the file, None while it is not there whole.
        make: Makes the file, whole or not at all, and gives what is in it.
        makes: Whether this process is the maker.

    Returns:
        What is in the file.

    Raises:
        ValueError: In the others, if the maker failed; it names the file and the maker's error.
        RuntimeError: In the others, if the store is gone, and so its process.
    """
    found = read(path)
    if found is None and makes:
        try:
            return make()
        except Exception as error:
            if is_distributed():
                _get_default_store().set(_failure(path), f'{type(error).__name__}: {error}')
            raise
    while found is None:
        if reason := _failed(path):
            raise ValueError(f'the process that makes {path} failed: {reason}')
        time.sleep(EVERY)
        found = read(path)
    return found


def _failure(path: Path) -> str:
    return f'mmseg_dkd/failed/{path}'


def _failed(path: Path) -> str:
    store = _get_default_store()
    try:
        return store.get(_failure(path)).decode() if store.check([_failure(path)]) else ''
    except RuntimeError as error:
        raise RuntimeError(f'the process that makes {path}, or its launcher, ended') from error
