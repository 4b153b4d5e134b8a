"""Files that are either whole or not there."""

import errno
import multiprocessing
import os
import resource
import stat
import subprocess
import time
from contextlib import nullcontext
from functools import partial

import pytest
import torch

from mmseg_dkd.utils import atomic
from mmseg_dkd.utils.atomic import AtomicBackend, remove_parts, write_atomically


def test_the_file_and_its_name_reach_the_disk(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(
        os, 'fsync', lambda fd: synced.append(os.readlink(f'/proc/self/fd/{fd}')) or fsync(fd)
    )
    write_atomically(tmp_path / 'new/file.json', lambda file: file.write(b'whole'))
    assert (tmp_path / 'new/file.json').read_bytes() == b'whole'
    assert synced[0].endswith(atomic.PART) and synced[1] == str(tmp_path / 'new')


@pytest.mark.parametrize(
    'code, words', [(errno.ENOSPC, 'No space left'), (errno.EROFS, 'Read-only')]
)
def test_a_failure_names_file_and_remedy_and_leaves_the_older_file(
    code, words, tmp_path, monkeypatch
):
    path = tmp_path / 'file.json'
    path.write_bytes(b'older')

    def fail(fd):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, 'fsync', fail)
    with pytest.raises(OSError, match=rf'{path} could not be written \({words}.*--resume'):
        AtomicBackend().put(b'newer', path)
    assert [file.name for file in tmp_path.iterdir()] == ['file.json']
    assert path.read_bytes() == b'older'


def test_the_remedy_may_be_another(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(OSError, match=r'could not be written .*: buy a disk$'):
        write_atomically(tmp_path / 'file/index.npz', lambda file: None, 'buy a disk')


@pytest.mark.parametrize('code', [errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EIO])
def test_folder_that_cannot_be_flushed_is_no_failure_but_a_broken_one_is(
    code, tmp_path, monkeypatch
):
    fsync = os.fsync

    def refuse(fd):
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(code, os.strerror(code))
        fsync(fd)

    monkeypatch.setattr(os, 'fsync', refuse)
    with pytest.raises(OSError, match='error') if code == errno.EIO else nullcontext():
        write_atomically(tmp_path / 'file.json', lambda file: file.write(b'whole'))
    assert (tmp_path / 'file.json').read_bytes() == b'whole'


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path):
    (tmp_path / 'step_0').mkdir()
    kept = {'step_0/iter_2.pth', 'results.json', '.lock', 'note.part'}
    dead = {'step_0/.iter_4.pth.x1_y.part', '.results.json.abc.part', '.confusion.npz.abc.part'}
    for name in kept | dead:
        (tmp_path / name).touch()
    remove_parts(tmp_path.rglob('.*.*.part'))
    left = {str(f.relative_to(tmp_path)) for f in tmp_path.rglob('*') if f.is_file()}
    assert left == kept


def test_what_another_process_is_writing_stays(tmp_path):
    reading, writing = os.pipe()
    writer = multiprocessing.get_context('fork').Process(
        target=_write_slowly, args=(tmp_path, reading)
    )
    writer.start()
    try:
        while not any(part.stat().st_size for part in tmp_path.glob('.*.part')):
            assert writer.is_alive()
            time.sleep(0.01)
        remove_parts(tmp_path.glob('.*.part'))
    finally:
        os.write(writing, b'.')
        writer.join()
    assert (tmp_path / 'file.json').read_bytes() == b'whole'
    assert os.listdir(tmp_path) == ['file.json']


def _write_slowly(folder, reading):
    def write(file):
        file.write(b'whole')
        file.flush()
        os.read(reading, 1)

    write_atomically(folder / 'file.json', write)


@pytest.fixture
def disk(tmp_path):
    """A disk of 1 MB, where one can be mounted."""
    done = subprocess.run(
        ['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', tmp_path], capture_output=True
    )
    if done.returncode:
        pytest.skip('no file system can be mounted here')
    yield tmp_path
    subprocess.run(['umount', '-l', tmp_path], check=True)


@pytest.fixture
def limit(tmp_path):
    """A folder where a file has at most 1 MB: its writer fails in the middle as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))
    yield tmp_path
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


FULL = pytest.mark.parametrize(
    'kind, words', [('limit', 'File too large'), ('disk', 'No space left')]
)


@FULL
def test_a_full_disk_keeps_the_older_file(kind, words, request):
    folder = request.getfixturevalue(kind)
    path = folder / 'iter_1.pth'
    AtomicBackend().put(b'1' * 600_000, path)
    with pytest.raises(OSError, match=f'{path} could not be written .{words}'):
        AtomicBackend().put(b'2' * 1_200_000, path)
    assert path.read_bytes() == b'1' * 600_000
    assert list(folder.iterdir()) == [path]


@FULL
def test_a_disk_that_fills_up_under_torch_is_named(kind, words, request):
    folder = request.getfixturevalue(kind)
    write = partial(torch.save, torch.zeros(1_000_000))
    with pytest.raises(OSError, match=f'could not be written .{words}'):
        write_atomically(folder / 'iter_1.pth', write)
    assert not list(folder.iterdir())


def test_a_read_only_disk_is_named(disk):
    subprocess.run(['mount', '-o', 'remount,ro', disk], check=True)
    with pytest.raises(OSError, match='file.json could not be written .Read-only'):
        write_atomically(disk / 'file.json', lambda file: file.write(b''))
