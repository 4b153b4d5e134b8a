"""tools/compare.py: methods x scenarios x seeds, one table, nothing run twice."""

import csv
import json
import shutil
import sys

import pytest

from tests.forked import forked
from tests.tools.test_tools import run

FILES = ['curves.png', 'forgetting.csv', 'forgetting.md', 'runs.csv', 'table.md']


@pytest.fixture
def row(tiny, tmp_path):
    """Write a tiny config to the folder of a method, changed by a function."""

    def write(method, source, change=lambda cfg: None):
        cfg = tiny(source, iterations=1)
        change(cfg)
        path = tmp_path / method / source.rpartition('/')[2]
        path.parent.mkdir(exist_ok=True)
        cfg.dump(path)
        return path

    return write


def compare(tmp_path, *arguments):
    return forked('tools/compare.py', *arguments, '--work-dir', tmp_path / 'compare')


def cells(table):
    """Titles, and name of a row to its cells, of the table of scores."""
    lines = [line for line in table.split('\n\n')[0].splitlines()]
    titles, _, *rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines]
    return titles, {name: dict(zip(titles[1:], rest, strict=True)) for name, *rest in rows}


@pytest.mark.usefixtures('undrawn')
def test_methods_and_scenarios_are_made_once(row, tmp_path):
    def all_at_once(cfg):
        cfg.scenario = dict(name='joint', num_classes=8)

    def two_steps(cfg):
        cfg.scenario = dict(name=[[1, 2, 3, 4], [5, 6, 7, 8]], num_classes=8)

    configs = [
        row('kd', 'kd/fashion_4-2.py'),
        row('dkd', 'dkd/fashion_4-2.py'),
        row('dkd', 'dkd/fashion_4-1.py', two_steps),
        row('joint', 'joint/fashion.py', all_at_once),
    ]
    done = compare(tmp_path, *configs)
    assert done.returncode == 0, done.stderr[-2000:]
    folder = tmp_path / 'compare'
    table = (folder / 'table.md').read_text()
    assert table in done.stdout and 'not finished' not in done.stdout
    assert sorted(file.name for file in folder.iterdir() if file.is_file()) == FILES
    titles, rows = cells(table)
    assert list(rows) == ['kd', 'dkd', 'joint']
    assert titles[1:5] == ['KD', 'DKD', 'init.', 'fashion_4-2: mIoU_b']
    assert rows['kd']['fashion_4-1: runs'] == '' and rows['kd']['KD'] == '+'
    # Joint training is in both, with the base classes of each, which are the same here.
    entry = json.loads((folder / 'joint_fashion/seed_0/results.json').read_text())[-1]
    iou = [value or 0.0 for value in entry['per_class_iou'].values()]
    for title in ('fashion_4-2', 'fashion_4-1'):
        assert rows['joint'][f'{title}: mIoU_n'] == f'{sum(iou[5:]) / 4:.2f}'
        assert rows['joint'][f'{title}: forgetting'] == '-'
    steps = json.loads((folder / 'dkd_fashion_4-2/seed_0/results.json').read_text())
    assert rows['dkd']['fashion_4-2: mIoU_all'] == f'{steps[-1]["miou_all"]:.2f}'
    singles = list(csv.DictReader((folder / 'runs.csv').open()))
    assert [(single['scenario'], single['method']) for single in singles] == [
        ('fashion_4-2', 'kd'), ('fashion_4-2', 'dkd'), ('fashion_4-2', 'joint'),
        ('fashion_4-1', 'dkd'), ('fashion_4-1', 'joint'),
    ]  # fmt: skip
    assert all(float(single['minutes']) > 0 for single in singles)
    shared = list((folder / 'first_steps').glob('*/manifest.json'))
    assert len(shared) == 2, 'of DKD and KD, of joint training'
    # The shared step counts for each run that started from it.
    manifest = json.loads((folder / 'kd_fashion_4-2/seed_0/manifest.json').read_text())['steps']
    (first,) = [f for f in shared if f.parent.name in manifest['0']['shared']]
    seconds = json.loads(first.read_text())['steps']['0']['seconds']
    seconds += manifest['1']['seconds'] + manifest['2']['seconds']
    assert float(singles[0]['minutes']) == pytest.approx(seconds / 60)

    again = compare(tmp_path, *configs)
    assert table in again.stdout and 'Iter(train)' not in again.stdout
    # Another recipe in the same folder is not taken for the old one.
    changed = compare(
        tmp_path, *configs, '--cfg-options', 'later_steps.optim_wrapper.optimizer.lr=1'
    )
    assert changed.returncode != 0 and 'was trained by another recipe' in changed.stderr


def test_a_report_shows_what_is_finished_and_runs_nothing(row, finished, tmp_path):
    # What the run of the fixture was trained with.
    configs = [row('dkd', 'dkd/fashion_4-2.py'), row('kd', 'kd/fashion_4-2.py')]
    options = [f'{key}train_cfg.max_iters=2' for key in ('', 'later_steps.')]
    for seed in (0, 1):
        shutil.copytree(finished, tmp_path / f'compare/dkd_fashion_4-2/seed_{seed}')
    report = ['--report', '--seeds', '0-2', '--cfg-options', *options]
    done = compare(tmp_path, *configs, *report)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 'Iter(train)' not in done.stdout
    titles, rows = cells((tmp_path / 'compare/table.md').read_text())
    entry = json.loads((finished / 'results.json').read_text())[-1]
    assert rows['dkd']['mIoU_all'] == f'{entry["miou_all"]:.2f}' and rows['dkd']['runs'] == '1'
    assert rows['kd']['mIoU_all'] == '-' and rows['kd']['runs'] == '0'
    lacking = done.stdout.partition('not finished, 5 of 6 runs:\n')[2].splitlines()
    folder = tmp_path / 'compare'
    assert lacking[1:] == [
        f'  {folder}/dkd_fashion_4-2/seed_2: lacks step 0, 1, 2',
        *(f'  {folder}/kd_fashion_4-2/seed_{k}: lacks step 0, 1, 2' for k in range(3)),
    ]
    # Its folder was copied: seed 1 is not what was trained there.
    assert 'seed_1' in lacking[0] and 'was trained by another recipe' in lacking[0]


def test_nothing_is_trained_if_one_row_lacks_its_data(row, tmp_path):
    def lose(cfg):
        cfg.train_dataloader.dataset.dataset.data_root = 'nowhere'

    done = compare(tmp_path, row('kd', 'kd/fashion_4-2.py'), row('dkd', 'dkd/fashion_4-2.py', lose))
    assert done.returncode != 0 and 'nowhere' in done.stderr
    assert not (tmp_path / 'compare').exists()


def test_two_rows_of_one_name_are_refused(row, tmp_path):
    config = row('kd', 'kd/fashion_4-2.py')
    done = run(sys.executable, 'tools/compare.py', config, config, '--work-dir', tmp_path / 'x')
    assert done.returncode != 0 and 'the runs of two configs would be in' in done.stderr
