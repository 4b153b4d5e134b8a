"""Several seeds and class orders."""

import json
import shutil
from argparse import ArgumentTypeError

import pytest

from mmseg_dkd.cli.options import parse_range, range_argument
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.repeats import read_orders, repeated, unfinished
from tests.forked import forked

SCENARIO = dict(name='2-1', num_classes=4)


@pytest.mark.parametrize(
    'text, numbers',
    [('2', [2]), ('0-2', [0, 1, 2]), ('0,3-4', [0, 3, 4]), ('7, 1', [7, 1])],
)
def test_ranges(text, numbers):
    assert parse_range(text) == numbers


@pytest.mark.parametrize(
    'text, words',
    [
        *((text, 'neither a number nor a range') for text in ('', '2-1', 'a', '-1', '1-', '1..2')),
        ('9' * 5000, 'neither a number nor a range'),
        ('0,0', 'twice'),
        ('0-2,1', 'twice'),
        ('0-99999999999', 'more than 10,000 numbers'),
    ],
)
def test_what_is_no_range_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        parse_range(text)
    # Words of a ValueError do not reach the user of a command.
    with pytest.raises(ArgumentTypeError, match=words):
        range_argument(text)


def test_orders_are_read_with_their_names(tmp_path):
    text = '\ufeff# two orders\n\nback: 4 3 2 1  # reversed\n1, 3, 2, 4\n'
    (tmp_path / 'orders.txt').write_text(text, 'utf-8')
    assert read_orders(tmp_path / 'orders.txt', SCENARIO) == {
        'back': [4, 3, 2, 1],
        'order_1': [1, 3, 2, 4],
    }


def test_orders_are_read_as_windows_saves_them(tmp_path):
    (tmp_path / 'orders.txt').write_bytes(b'\xef\xbb\xbf4 3 2 1\r\n\r\nup: 1 2 3 4\r\n')
    expected = dict(order_0=[4, 3, 2, 1], up=[1, 2, 3, 4])
    assert read_orders(tmp_path / 'orders.txt', SCENARIO) == expected


@pytest.mark.parametrize(
    'text, words',
    [
        ('1 2 3 4\n1 2 3\n', 'line 2: .*missing'),
        ('1 2 3 3\n', 'line 1: .*repeated'),
        ('1 2 three 4\n', 'line 1: .*three'),
        ('a: 1 2 3 4\na: 4 3 2 1\n', "line 2: the name 'a' is there twice"),
        ('# nothing\n', 'no class order'),
        ('1 2 3 4\n../../out: 4 3 2 1\n', "line 2: the name '../../out' cannot be"),
        ('/tmp/out: 1 2 3 4\n', "line 1: the name '/tmp/out' cannot be"),
        ('a/b: 1 2 3 4\n', "line 1: the name 'a/b' cannot be"),
        ('a\\b: 1 2 3 4\n', 'line 1: the name .* cannot be'),
        ('..: 1 2 3 4\n', r"line 1: the name '\.\.' cannot be"),
        ('.lock: 1 2 3 4\n', 'line 1: the name .* cannot be'),
        ('first_steps: 1 2 3 4\n', 'line 1: the name .* cannot be'),
        ('step_0: 1 2 3 4\n', 'line 1: the name .* cannot be'),
        ('seed_1: 1 2 3 4\n', 'line 1: the name .* cannot be'),
        ('a\0b: 1 2 3 4\n', 'line 1: the name .* cannot be'),
        ('a' * 101 + ': 1 2 3 4\n', 'line 1: the name .* cannot be'),
    ],
)
def test_wrong_orders_name_file_and_line(text, words, tmp_path):
    (tmp_path / 'orders.txt').write_text(text)
    with pytest.raises(ValueError, match=f'orders.txt.*{words}'):
        read_orders(tmp_path / 'orders.txt', SCENARIO)


def test_every_order_and_seed_has_a_folder_and_a_config_of_its_own(tiny, tmp_path):
    orders = dict(up=list(range(1, 9)), down=list(range(8, 0, -1)))
    runs = repeated(tiny(), tmp_path, [0, 3], orders, tmp_path / 'first')
    assert [str(run.work_dir.relative_to(tmp_path)) for run in runs] == [
        'up/seed_0', 'up/seed_3', 'down/seed_0', 'down/seed_3'
    ]  # fmt: skip
    assert [run.cfg.randomness.seed for run in runs] == [0, 3, 0, 3]
    assert [run.scenario.order[0] for run in runs] == [1, 1, 8, 8]


def test_what_runs_lack_is_told(finished, tiny, tmp_path):
    shutil.copytree(finished, tmp_path / 'half')
    manifest = json.loads((finished / 'manifest.json').read_text())
    del manifest['steps']['2']
    (tmp_path / 'half/manifest.json').write_text(json.dumps(manifest))
    other = tiny()
    other.later_steps.optim_wrapper.optimizer.lr = 1.0
    folders = dict(done=finished, half=tmp_path / 'half', none=tmp_path / 'none')
    lacking = unfinished([Run(tiny(), folder) for folder in folders.values()])
    assert lacking == {folders['half']: 'lacks step 2', folders['none']: 'lacks step 0, 1, 2'}
    ((folder, why),) = unfinished([Run(other, finished)]).items()
    assert folder == finished and 'was trained by another recipe' in why


@pytest.mark.usefixtures('undrawn')
def test_seeds_and_orders_from_the_command_line_share_what_they_can(tiny, tmp_path):
    cfg = tiny()
    cfg.dump(tmp_path / 'fashion_4-2.py')
    # The second order has the same base classes as the first, the third does not.
    (tmp_path / 'orders.txt').write_text(
        'a: 1 2 3 4 5 6 7 8\nb: 1 2 3 4 8 7 6 5\nc: 8 7 6 5 4 3 2 1\n'
    )
    done = forked(
        'tools/incremental_train.py', tmp_path / 'fashion_4-2.py', '--work-dir', tmp_path / 'runs',
        '--steps', '0-1', '--seeds', '1', '--orders', tmp_path / 'orders.txt',
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    folders = [tmp_path / f'runs/{order}/seed_1' for order in 'abc']
    assert all(len(json.loads((f / 'results.json').read_text())) == 2 for f in folders)
    assert len(list((tmp_path / 'runs/first_steps').iterdir())) == 2
    assert '| fashion_4-2 |' in done.stdout and '| 3 |' in done.stdout
