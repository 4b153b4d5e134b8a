"""tools/compare.py: rows x seeds, one table, nothing run twice."""

import csv
import sys

import pytest

from tests.tools.test_tools import run


@pytest.fixture
def row(tiny, tmp_path):
    """Write a tiny config as a row, changed by a function, to a folder of its own."""

    def write(name, source, change=lambda cfg: None):
        cfg = tiny(f'{source}/fashion_4-2.py', iterations=1)
        change(cfg)
        (tmp_path / name).mkdir()
        cfg.dump(tmp_path / name / 'fashion_4-2.py')
        return tmp_path / name / 'fashion_4-2.py'

    return write


def compare(tmp_path, *arguments):
    return run(sys.executable, 'tools/compare.py', *arguments, '--work-dir', tmp_path / 'compare')


def test_table_of_two_rows_is_made_once(row, tmp_path):
    configs = row('kd', 'kd'), row('dkd', 'dkd')
    done = compare(tmp_path, *configs, '--seeds', '0-1')
    assert done.returncode == 0, done.stderr[-2000:]
    table = (tmp_path / 'compare/table.md').read_text()
    assert table in done.stdout
    assert [line.split('|')[1].strip() for line in table.splitlines()[2:]] == [
        'kd_fashion_4-2',
        'dkd_fashion_4-2',
    ]
    assert len(list(csv.DictReader((tmp_path / 'compare/runs.csv').open()))) == 4
    assert len(list((tmp_path / 'compare/first_steps').iterdir())) == 2, 'one a seed'
    again = compare(tmp_path, *configs, '--seeds', '0-1')
    assert table in again.stdout and 'Iter(train)' not in again.stdout
    # Another recipe in the same folder is not taken for the old one.
    changed = compare(
        tmp_path, *configs, '--cfg-options', 'later_steps.optim_wrapper.optimizer.lr=1'
    )
    assert changed.returncode != 0 and 'was trained by another recipe' in changed.stderr


def test_nothing_is_trained_if_one_row_lacks_its_data(row, tmp_path):
    def lose(cfg):
        cfg.train_dataloader.dataset.dataset.data_root = 'nowhere'

    done = compare(tmp_path, row('kd', 'kd'), row('dkd', 'dkd', lose))
    assert done.returncode != 0 and 'nowhere' in done.stderr
    assert not (tmp_path / 'compare').exists()


def test_two_rows_of_one_name_are_refused(row, tmp_path):
    config = row('kd', 'kd')
    done = compare(tmp_path, config, config)
    assert done.returncode != 0 and "two configs would be the row 'kd_fashion_4-2'" in done.stderr
