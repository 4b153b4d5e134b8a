"""A run on a disk that fills up, and goes on when there is room."""

import errno
import json
import os
import subprocess

import pytest

from mmseg_dkd.runs import Run
from mmseg_dkd.runs import run as runs


@pytest.fixture
def mounted(tmp_path):
    """Set the size of a disk in MB; where none can be mounted the test is skipped."""
    folder = tmp_path / 'disk'
    folder.mkdir()

    def resize(size, *options):
        options = ','.join([*options, f'size={size}m'])
        command = ['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', folder]
        return subprocess.run(command, capture_output=True).returncode == 0

    if not resize(2):
        pytest.skip('no file system can be mounted here')
    yield folder, lambda size: resize(size, 'remount')
    subprocess.run(['umount', '-l', folder], check=True)


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """The same without a mount: what is written atomically fails once a folder is full."""
    folder = tmp_path / 'disk'
    fsync = os.fsync
    room = [2]

    def fail_if_full(fd):
        if sum(file.stat().st_size for file in folder.rglob('*')) > room[0] * 2**20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(fd)

    def resize(size):
        room[0] = size
        return True

    monkeypatch.setattr(os, 'fsync', fail_if_full)
    return folder, resize


@pytest.mark.parametrize('disk', ['counted', 'mounted'])
def test_a_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    disk, request, tiny, monkeypatch
):
    monkeypatch.setattr(runs, 'predict_samples', lambda *args: None)
    monkeypatch.setattr(runs, 'draw', lambda *args: None)
    (folder, resize), cfg = request.getfixturevalue(disk), tiny()
    run = folder / 'run'
    # Room for the first checkpoint only.
    with pytest.raises(OSError, match='run.* could not be written .No space left.*--resume'):
        Run(cfg, run).run([0])
    assert [file.name for file in run.rglob('*.pth*')] == ['iter_1.pth']
    assert json.loads((run / 'manifest.json').read_text())['steps'] == {}
    assert resize(20)
    Run(cfg, run).run([0], resume=True)
    assert list(json.loads((run / 'manifest.json').read_text())['steps']) == ['0']
