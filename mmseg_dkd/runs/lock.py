"""One writer a folder."""

import errno
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log

from ..utils.atomic import PART, remove_parts, unwritable
from ..utils.json_file import write_json

LOCK = '.lock'
HOLDER = '.lock_holder.json'
# A killed process's data loading workers outlive it by up to 5 s, and its lock with them.
PATIENCE = 10.0
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@contextmanager
def one_writer(folder: str | Path, wait: bool = False) -> Iterator[None]:
    """Keep other runs out of a folder; all processes of this one enter together.

    The lock is the operating system's: it ends with its process, however that ends, so that none is
    ever stale. Who holds it is written beside it, for the message.

    Args:
        folder: The folder; made if needed.
        wait: Whether to wait for another run to finish, rather than to raise.

    Raises:
        RuntimeError: If another run holds the folder; it names host, process and remedy.
        OSError: If the folder cannot be written to, now or later; it names folder and remedy.
    """
    folder = Path(folder)
    lock = FileLock(folder / LOCK)
    told = False
    while True:
        # The first process tells all others, lest they wait for one that has given up.
        outcome = [_enter(lock, folder) if is_main_process() else None]
        broadcast_object_list(outcome)
        problem = outcome[0]
        if problem is None:
            break
        if not wait or not isinstance(problem, RuntimeError):
            raise problem
        if not told:
            print_log(f'waiting: {problem}', logger='current')
            told = True
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            # mmengine writes logs and notes too, and these errors name no file.
            raise unwritable(folder, error) from error
        raise
    finally:
        lock.release()


def _enter(lock: FileLock, folder: Path) -> Exception | None:
    """Take the lock; the reason if that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=PATIENCE)
        write_json(folder / HOLDER, dict(host=socket.gethostname(), pid=os.getpid()))
        remove_parts(folder.rglob(f'.*.*{PART}'))
    except Timeout:
        return RuntimeError(_held(folder))
    except OSError as error:
        return error if error.filename is None else unwritable(folder, error)
    return None


def _held(folder: Path) -> str:
    try:
        holder = json.loads((folder / HOLDER).read_text())
        host, pid = holder['host'], holder['pid']
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        # Taken just now and not written yet, or not ours.
        host, pid = 'unknown', 'unknown'
    remedy = f'wait for it, end it (on {host}: kill {pid}), or give another --work-dir'
    if host != socket.gethostname():
        remedy += f'; if {host} is gone for good, remove {folder / LOCK}'
    return f'{folder} is being written to by process {pid} on host {host}: {remedy}'
