"""Files that are either whole or not there, whatever happens while they are written."""

import errno
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mmengine.fileio import LocalBackend, register_backend

PART = '.part'
REMEDY = 'make room or the folder writable and go on with --resume, or give another --work-dir'
# What file systems answer that cannot flush a folder, or do not let it be opened for that.
NO_FLUSH = (
    errno.EINVAL,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EBADF,
    errno.EACCES,
    errno.EPERM,
)


def write_atomically(
    path: str | Path, write: Callable[[BinaryIO], object], remedy: str = REMEDY
) -> None:
    """Write a file under a temporary name, flush it to the disk and rename it.

    On a file system that cannot flush folders, the new name reaches the disk when it pleases.

    Args:
        path: Where the file shall be; its folder is made if needed.
        write: Called with the open binary file.
        remedy: What to do if that fails, for the error.

    Raises:
        OSError: If it cannot be written, because the disk is full or the folder read-only. It names
            file and remedy. An older file of that name stays, and nothing else is left behind.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, write)
    except OSError as error:
        raise unwritable(path, error, remedy) from error
    except RuntimeError as error:
        # torch.save stumbles over what it could not write.
        if isinstance(error.__context__, OSError):
            raise unwritable(path, error.__context__, remedy) from error
        raise


def refuse_existing(path: Path) -> None:
    """Say so if a folder that is to be new is there, before any work is done for it.

    Raises:
        FileExistsError: If there is something at ``path``.
    """
    if path.exists():
        raise FileExistsError(f'{path} is there already: delete it, or name another folder')


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder beside ``path`` to write into, which becomes ``path`` once all is written.

    Raises:
        FileExistsError: As :func:`refuse_existing`.
    """
    refuse_existing(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f'.{path.name}.') as beside:
        draft = Path(beside, 'whole')
        draft.mkdir()
        yield draft
        draft.rename(path)


def write_text(path: str | Path, text: str, remedy: str = REMEDY) -> None:
    """Write a file in UTF-8; see :func:`write_atomically`."""
    write_atomically(path, lambda file: file.write(text.encode()), remedy)


def remove_parts(parts: Iterable[Path]) -> None:
    """Remove what killed writers left.

    Args:
        parts: Files under temporary names (``.NAME.*.part``). Those that a living process is
            writing stay, and so does what may not be removed.
    """
    for part in parts:
        with suppress(OSError), part.open('r+b') as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()


def unwritable(path: str | Path, error: OSError, remedy: str = REMEDY) -> OSError:
    """The error, of the same kind, with the file that was to be written and a remedy."""
    reason = error.strerror or str(error)
    return type(error)(f'{path} could not be written ({reason}): {remedy}')


def _write(path: Path, write: Callable[[BinaryIO], object]) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.', suffix=PART)
    try:
        with os.fdopen(handle, 'wb') as file:
            # Held until it has its name: remove_parts sees that its writer lives. Where there are
            # no locks, it removes nothing.
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
            write(file)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    try:
        _flush_folder(path.parent)
    except OSError as error:
        if error.errno not in NO_FLUSH:
            raise


def _flush_folder(folder: Path) -> None:
    """The new name of a file is on the disk only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
