"""A run on a disk that fills up, and goes on when there is room."""

import json
import subprocess

import pytest

from mmseg_dkd.runs import Run
from mmseg_dkd.runs import run as runs


@pytest.fixture
def disk(tmp_path):
    """Set the size of a disk; where none can be mounted the test is skipped."""
    folder = tmp_path / 'disk'
    folder.mkdir()

    def size(options):
        command = ['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', folder]
        return subprocess.run(command, capture_output=True).returncode == 0

    if not size('size=2m'):
        pytest.skip('no file system can be mounted here')
    yield folder, size
    subprocess.run(['umount', '-l', folder], check=True)


def test_a_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room(disk, tiny, monkeypatch):
    monkeypatch.setattr(runs, 'predict_samples', lambda *args: None)
    monkeypatch.setattr(runs, 'draw', lambda *args: None)
    (folder, size), cfg = disk, tiny()
    run = folder / 'run'
    # Room for the first checkpoint only.
    with pytest.raises(OSError, match='run.* could not be written .No space left.*--resume'):
        Run(cfg, run).run([0])
    assert [file.name for file in run.rglob('*.pth*')] == ['iter_1.pth']
    assert json.loads((run / 'manifest.json').read_text())['steps'] == {}
    assert size('remount,size=20m')
    Run(cfg, run).run([0], resume=True)
    assert list(json.loads((run / 'manifest.json').read_text())['steps']) == ['0']
