"""The tables of several methods: numbers computed again, from what each run has."""

import csv
import statistics
from pathlib import Path

import pytest

from mmseg_dkd.reports.outcomes import Outcome
from mmseg_dkd.reports.report import write_report
from mmseg_dkd.reports.table import markdown, spread, write_forgetting, write_table


@pytest.mark.parametrize(
    'values, text',
    [
        ([41.0, 43.0], '42.00 (±1.41)'),
        ([1.234], '1.23'),
        ([None, None], '-'),
        ([None, 3.0], '3.00'),
        ([5.0, 5.0, 5.0], '5.00 (±0.00)'),
    ],
)
def test_spread_is_mean_and_sample_deviation(values, text):
    assert spread(values) == text


def test_bar_in_a_name_is_no_border():
    assert markdown(['', 'a|b'], {'c|d': ['1']}) == '|  | a\\|b |\n|---|---|\n| c\\|d | 1 |'


def outcome(steps, name='run', minutes=None, mib=None, base=('background', 'a'), **choices):
    """A run of which ``steps`` are the IoUs of its classes, in the order of learning."""
    names = ('background', 'a', 'b', 'c')
    choices = dict(dict(memory=None, components={}), **choices)
    entries = [
        dict(step=t, per_class_iou=dict(zip(names, ious, strict=False)), choices=choices)
        for t, ious in enumerate(steps)
    ]
    return Outcome(Path(name), entries, list(base), minutes, mib)


KD = [
    outcome([(80, 60), (80, 50 + k, 20), (80, 40 - k, 10, 30)], f'kd/{k}', 10 + k, 900 + k)
    for k in (0, 2)
]
DKD = [
    outcome(
        [(80, 60), (80, 60, 30)],
        components=dict(KD=True, DKD=True, init=False),
        memory=24,
        minutes=7.0,
    )
]
JOINT = [outcome([(90, 70, 50, 40)], f'joint/{k}') for k in (0, 1)]


def cells(text):
    """Lines of a Markdown table below its titles, and the titles."""
    lines = [line for line in text.splitlines() if line.startswith('|')]
    return [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines]


def test_a_single_scenario_has_plain_titles(tmp_path):
    table = write_table(tmp_path, {'1-1': dict(kd=KD, dkd=DKD, joint=JOINT)})
    assert (tmp_path / 'table.md').read_text() == table + '\n'
    scores, costs = (cells(part) for part in table.split('\n\nAgreement: '))
    assert scores[0] == [
        '', 'KD', 'DKD', 'memory', 'mIoU_b', 'mIoU_n', 'hIoU', 'mIoU_all', 'least novel class',
        'forgetting', 'agreement (%)', 'clipped (%)', 'runs',
    ]  # fmt: skip
    base, novel = [(80 + 40 - k) / 2 for k in (0, 2)], 20.0
    hious = [2 * b * novel / (b + novel) for b in base]
    # a lost 60 - 40 + k, b lost 10.
    lost = [(20 + k + 10) / 2 for k in (0, 2)]
    means = [(120 - k + 40) / 4 for k in (0, 2)]
    assert scores[2] == [
        'kd', '', '', '', spread(base), '20.00 (±0.00)', spread(hious), spread(means),
        '10.00 (±0.00)', spread(lost), '-', '-', '2',
    ]  # fmt: skip
    assert spread(lost) == f'{statistics.mean(lost):.2f} (±{statistics.stdev(lost):.2f})'
    assert scores[3][:6] == ['dkd', '+', '+', '24', '70.00', '30.00']
    assert scores[4][4:6] == ['80.00 (±0.00)', '45.00 (±0.00)'] and scores[4][-2:] == ['-', '2']
    assert costs == [
        ['', 'minutes per run', 'peak memory (MiB)'],
        ['---'] * 3,
        ['kd', '11.0 (±1.4)', '901 (±1)'],
        ['dkd', '7.0', '-'],
        ['joint', '-', '-'],
    ]


def test_scenarios_stand_side_by_side_and_unfinished_rows_are_there(tmp_path):
    outcomes = {'x_1-1': dict(kd=KD, joint=JOINT), 'x_1-2': dict(kd=KD[:1], dkd=[], joint=JOINT)}
    table = cells(write_table(tmp_path, outcomes).split('\n\nAgreement: ')[0])
    assert table[0][0] == '' and table[0][1] == 'x_1-1: mIoU_b' and table[0][10] == 'x_1-2: mIoU_b'
    rows = {row[0]: row[1:] for row in table[2:]}
    assert list(rows) == ['kd', 'joint', 'dkd'] and {len(row) for row in rows.values()} == {18}
    assert rows['kd'][8] == '2' and rows['kd'][9] == '60.00' and rows['kd'][17] == '1'
    assert rows['dkd'] == [''] * 9 + ['-'] * 8 + ['0']
    assert rows['joint'][:9] == rows['joint'][9:]


def test_a_memory_of_another_size_in_another_scenario_is_told(tmp_path):
    runs = [outcome([(80, 60), (80, 60, 30)], memory=size) for size in (100, 300)]
    runs = {f's{k}': dict(dkd_m=[run]) for k, run in enumerate(runs)}
    assert '| dkd_m | 100 / 300 |' in write_table(tmp_path, runs)


def test_every_single_run_is_in_the_csv(tmp_path):
    write_table(tmp_path, {'x': dict(kd=KD, joint=JOINT), 'y': dict(joint=JOINT)})
    rows = list(csv.DictReader((tmp_path / 'runs.csv').open()))
    assert [(row['scenario'], row['method'], row['run']) for row in rows] == [
        ('x', 'kd', 'kd/0'), ('x', 'kd', 'kd/2'), ('x', 'joint', 'joint/0'),
        ('x', 'joint', 'joint/1'), ('y', 'joint', 'joint/0'), ('y', 'joint', 'joint/1'),
    ]  # fmt: skip
    assert [float(row['forgetting']) for row in rows[:2]] == [15.0, 16.0]
    assert [rows[1]['minutes'], rows[1]['memory_mib'], rows[2]['minutes']] == ['12', '902', '']
    assert float(rows[2]['miou_novel']) == 45.0


def test_forgetting_of_every_class(tmp_path):
    write_forgetting(tmp_path, {'x': dict(kd=KD, dkd=DKD, joint=JOINT), 'y': dict(joint=JOINT)})
    text = (tmp_path / 'forgetting.md').read_text()
    assert cells(text) == [
        ['', 'a', 'b', 'mean', 'runs'],
        ['---'] * 5,
        ['kd', '21.00 (±1.41)', '10.00 (±0.00)', '15.50 (±0.71)', '2'],
        ['dkd', '0.00', '-', '0.00', '1'],
    ]
    assert '**x**' in text and '**y**' not in text
    rows = list(csv.DictReader((tmp_path / 'forgetting.csv').open()))
    assert [(row['run'], row['class'], float(row['forgetting'])) for row in rows] == [
        ('kd/0', 'a', 20.0), ('kd/0', 'b', 10.0), ('kd/2', 'a', 22.0), ('kd/2', 'b', 10.0),
        ('run', 'a', 0.0),
    ]  # fmt: skip


def test_a_report_of_nothing_finished_can_be_written(tmp_path):
    table = write_report(tmp_path, {'x': dict(kd=[], dkd=[])})
    assert '| kd | - | - |' in table
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        'curves.png', 'forgetting.csv', 'forgetting.md', 'runs.csv', 'table.md'
    ]  # fmt: skip
