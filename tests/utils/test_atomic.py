"""Files that are either whole or not there."""

import errno
import os
import resource
import subprocess
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


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path):
    (tmp_path / 'step_0').mkdir()
    kept = {'step_0/iter_2.pth', 'results.json', '.lock', '.confusion.npz.abc.part', 'note.part'}
    for name in kept | {'step_0/.iter_4.pth.x1_y.part', '.results.json.abc.part'}:
        (tmp_path / name).touch()
    remove_parts(tmp_path)
    left = {str(f.relative_to(tmp_path)) for f in tmp_path.rglob('*') if f.is_file()}
    assert left == kept


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
