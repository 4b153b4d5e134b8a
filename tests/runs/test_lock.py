"""One writer a folder."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from mmseg_dkd.runs import Run, lock
from mmseg_dkd.runs.lock import HOLDER, LOCK, _held, one_writer
from tests.tiny import REPOSITORY

HOLD = """
import sys
from mmseg_dkd.runs.lock import one_writer
with one_writer(sys.argv[1]):
    print('in', flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, 'PATIENCE', 0.2)
    return tmp_path / 'run'


@pytest.fixture
def holder(folder):
    """Another process that writes to the folder until it reads a line."""
    process = subprocess.Popen(
        [sys.executable, '-c', HOLD, folder],
        env=dict(os.environ, PYTHONPATH=str(REPOSITORY)),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert 'in\n' in iter(process.stdout.readline, '')
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize('text', ['', '[]', 'null', '{}', '[' * 100_000, '\0'])
def test_a_note_of_the_holder_that_is_none_is_no_hindrance(text, tmp_path):
    (tmp_path / HOLDER).write_text(text)
    assert 'process unknown on host unknown' in _held(tmp_path)


def test_lock_is_refused_waited_for_and_taken_over_from_the_dead(folder, holder, tiny):
    named = f'{folder} is being written to by process {holder.pid} on host {socket.gethostname()}'
    with pytest.raises(RuntimeError, match=f'{named}: .*kill {holder.pid}.*--work-dir'):
        Run(tiny(), folder).run([0])
    assert not list(folder.glob('step_*'))
    (folder / HOLDER).write_text(json.dumps(dict(host='elsewhere', pid=7)))
    with pytest.raises(RuntimeError, match=f'7 on host elsewhere: .*remove {folder / LOCK}'):
        one_writer(folder).__enter__()
    (folder / HOLDER).write_text('')
    with pytest.raises(RuntimeError, match='process unknown'):
        one_writer(folder).__enter__()

    killer = threading.Timer(1, lambda: os.kill(holder.pid, signal.SIGKILL))
    killer.start()
    with one_writer(folder, wait=True):
        assert holder.wait(1) == -signal.SIGKILL
        assert json.loads((folder / HOLDER).read_text())['pid'] == os.getpid()


def test_lock_ends_with_the_run_that_fails(folder):
    with pytest.raises(KeyError), one_writer(folder):
        raise KeyError
    with one_writer(folder):
        pass


def test_a_full_disk_is_named_whatever_was_being_written(folder):
    with pytest.raises(OSError, match=f'{folder} could not be written .No space left.*--resume'):
        with one_writer(folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OSError, match='^.Errno 5. Input/output'), one_writer(folder):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(OSError, match='file/run could not be written .Not a directory'):
        one_writer(tmp_path / 'file/run').__enter__()
