"""Files that are either whole or not there, whatever happens while they are written."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from mmengine.fileio import LocalBackend, register_backend

PART = '.part'


def write_atomically(path: str | Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file under a temporary name, flush it to the disk and rename it.

    Args:
        path: Where the file shall be; its folder is made if needed.
        write: Called with the open binary file.

    Raises:
        OSError: If it cannot be written, because the disk is full or the folder read-only. It names
            file and remedy. An older file of that name stays, and nothing else is left behind.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, write)
    except OSError as error:
        raise unwritable(path, error) from error
    except RuntimeError as error:
        # torch.save stumbles over what it could not write.
        if isinstance(error.__context__, OSError):
            raise unwritable(path, error.__context__) from error
        raise


def remove_parts(folder: Path) -> None:
    """Remove what a killed writer of checkpoints, JSON or CSV files left in a folder and below."""
    for kind in ('pth', 'json', 'csv'):
        for part in folder.rglob(f'.*.{kind}.*{PART}'):
            part.unlink(missing_ok=True)


def unwritable(path: str | Path, error: OSError) -> OSError:
    """The error, of the same kind, with the file that was to be written and a remedy."""
    reason = error.strerror or str(error)
    return type(error)(
        f'{path} could not be written ({reason}): make room or the folder writable and go on with '
        '--resume, or give another --work-dir'
    )


def _write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.', suffix=PART)
    try:
        with os.fdopen(handle, 'wb') as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    # The new name is on the disk only when its folder is.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@register_backend('atomic')
class AtomicBackend(LocalBackend):
    """mmengine's files on the local disk, written whole or not at all; ``CheckpointHook`` takes it
    as ``backend_args=dict(backend='atomic')``."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """See :func:`write_atomically`."""
        write_atomically(filepath, lambda file: file.write(obj))


def _umask() -> int:
    """The process's umask, which temporary files ignore; it can only be read by setting it."""
    umask = os.umask(0)
    os.umask(umask)
    return umask
