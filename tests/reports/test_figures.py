"""Curves of several runs: what is drawn is what the runs wrote."""

import json
from pathlib import Path

import numpy as np
import pytest

from mmseg_dkd.reports import figures
from mmseg_dkd.utils.json_file import write_json
from mmseg_dkd.visualization import drawing

from .made_up_run import FINISHED, UNKNOWN

SIZES = (2, 1, 1)


def write_run(
    run: Path, seed: int, sizes: tuple[int, ...] = SIZES, finished: int = 3, first: int = 0
) -> list[dict]:
    """What the figures read of a run that learns ``sizes`` classes a step; its results."""
    rng = np.random.default_rng(seed)
    results, name = [], f'{sizes[0]}-{sizes[1]}'
    for step in range(finished):
        names = ['background', *(f'class {first + c}' for c in range(sum(sizes[: step + 1])))]
        iou = {name: float(rng.uniform(0, 100)) for name in names}
        results.append(dict(UNKNOWN, step=step, per_class_iou=iou))
        folder = run / f'step_{step}'
        folder.mkdir(parents=True)
        scenario = dict(name=name, num_classes=sum(sizes))
        (folder / 'config.py').write_text(f'scenario = {scenario}\n')
    write_json(run / 'results.json', results)
    write_json(run / 'manifest.json', dict(steps=dict.fromkeys(range(finished), FINISHED)))
    return results


def write_changes(run: Path, time: str, changes: dict[int, list[float]], step: int = 1) -> None:
    folder = run / f'step_{step}' / time / 'vis_data'
    folder.mkdir(parents=True)
    lines = [dict(loss=1.0, iter=1, step=1)]
    keys = ('change/pos', 'change/neg', 'change/logit')
    lines += [dict(zip(keys, norms, strict=True), step=i) for i, norms in changes.items()]
    (folder / 'scalars.json').write_text(''.join(f'{json.dumps(line)}\n' for line in lines))


def ramp(iterations, factor: float) -> dict[int, list[float]]:
    return {i: [factor * i, factor * i + 1, factor * i + 2] for i in iterations}


def band(axes, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper edge of the number-th band."""
    (path,) = axes.collections[number].get_paths()
    x = np.unique(path.vertices[:, 0])
    heights = [path.vertices[path.vertices[:, 0] == at, 1] for at in x]
    return np.array([h.min() for h in heights]), np.array([h.max() for h in heights])


def test_steps_draw_mean_and_deviation_of_base_and_every_novel_class(tmp_path):
    rows, results = [tmp_path / 'kd', tmp_path / 'dkd'], []
    for number, row in enumerate(rows):
        results.append([write_run(row / f'seed_{s}', 10 * number + s) for s in range(3)])
    figure = figures.steps(rows)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ['base classes: mIoU (%)', 'class 2: IoU (%)', 'class 3: IoU (%)']
    base, second, third = figure.axes
    for number in range(2):
        iou = [[entry['per_class_iou'] for entry in run] for run in results[number]]
        names = ('background', 'class 0', 'class 1')
        values = np.array([[np.mean([e[n] for n in names]) for e in run] for run in iou])
        np.testing.assert_allclose(base.lines[number].get_xdata(), [0, 1, 2])
        np.testing.assert_allclose(base.lines[number].get_ydata(), values.mean(0))
        deviation = np.sqrt(((values - values.mean(0)) ** 2).sum(0) / 2)
        low, high = band(base, number)
        np.testing.assert_allclose(low, values.mean(0) - deviation)
        np.testing.assert_allclose(high, values.mean(0) + deviation)
        learned = np.array([[run[t]['class 2'] for t in (1, 2)] for run in iou])
        np.testing.assert_allclose(second.lines[number].get_xdata(), [1, 2])
        np.testing.assert_allclose(second.lines[number].get_ydata(), learned.mean(0))
        last = np.array([run[2]['class 3'] for run in iou])
        point = [line for line in third.lines if line.get_marker() == drawing.MARKERS[number]]
        np.testing.assert_allclose(point[0].get_ydata(), [last.mean()])
        colours = {axes.lines[number].get_color() for axes in (base, second)}
        assert colours | {point[0].get_color()} == {drawing.COLOURS[number]}
    ends = third.collections[1].get_segments()[0][:, 1]
    low, high = last.mean() - last.std(ddof=1), last.mean() + last.std(ddof=1)
    np.testing.assert_allclose(ends, [low, high])
    legend = [text.get_text() for text in figure.legends[0].texts]
    assert legend == ['kd, 3 runs', 'dkd, 3 runs']


def test_a_single_run_has_no_band_and_an_absent_class_leaves_a_gap(tmp_path):
    results = write_run(tmp_path / 'run', 0)
    results[1]['per_class_iou']['class 2'] = None
    write_json(tmp_path / 'run' / 'results.json', results)
    base, second, _ = figures.steps([tmp_path / 'run']).axes
    assert not base.collections
    gap, value = second.lines[0].get_ydata()
    assert np.isnan(gap) and value == results[2]['per_class_iou']['class 2']


@pytest.mark.parametrize('sizes, first', [((2, 5, 5), 0), ((2, 1, 1), 1)])
def test_many_classes_or_several_orders_are_drawn_as_means_of_each_step(tmp_path, sizes, first):
    runs = [write_run(tmp_path / f'seed_{s}', s, sizes, first=first * s) for s in range(2)]
    axes = figures.steps([tmp_path]).axes
    assert [a.get_title() for a in axes[1:]] == [f'classes of step {t}: mIoU (%)' for t in (1, 2)]
    means = []
    for run in runs:
        iou = list(run[1]['per_class_iou'].values())[1 + sizes[0] :]
        means.append(np.mean(iou))
    assert axes[1].lines[0].get_ydata()[0] == pytest.approx(np.mean(means))


def test_rows_of_other_scenarios_are_refused(tmp_path):
    write_run(tmp_path / 'a' / 'seed_0', 0)
    write_run(tmp_path / 'b' / 'seed_0', 0, (3, 1), finished=2)
    with pytest.raises(ValueError, match=r'a, .*b are not of one scenario.*\[3, 4, 5\]'):
        figures.steps([tmp_path / 'a', tmp_path / 'b'])


def test_names_are_no_formulas_but_norms_are(tmp_path):
    row, other = tmp_path / r'$\frac$', tmp_path / 'dkd'
    results = write_run(row, 0)
    write_run(other, 0)
    for entry in results:
        iou = entry['per_class_iou']
        entry['per_class_iou'] = {n.replace('class 2', r'$\frac$'): v for n, v in iou.items()}
    write_json(row / 'results.json', results)
    figure = figures.steps([row])
    assert r'$\frac$: IoU (%)' in [axes.get_title() for axes in figure.axes]
    figure.savefig(tmp_path / 'steps.png')
    for run in (row, other):
        write_changes(run, '2026', ramp([10, 20], 1))
    figure, _ = figures.change([row, other], 1)
    assert figure.axes[0].title.get_parse_math()
    figure.savefig(tmp_path / 'change.png')


def test_only_finished_runs_count(tmp_path):
    write_run(tmp_path / 'row' / 'seed_0', 0)
    write_run(tmp_path / 'row' / 'seed_1', 1, finished=2)
    assert list(figures.finished_runs(tmp_path / 'row')) == ['seed_0']
    assert list(figures.finished_runs(tmp_path / 'row', 1)) == ['seed_0', 'seed_1']
    assert list(figures.finished_runs(tmp_path / 'row' / 'seed_1', 0)) == ['.']
    with pytest.raises(FileNotFoundError, match=r'seed_1 has no run.*all its.*\n.*compare\.py'):
        figures.finished_runs(tmp_path / 'row' / 'seed_1')
    with pytest.raises(FileNotFoundError, match='row has no run that has finished step 7'):
        figures.finished_runs(tmp_path / 'row', 7)
    with pytest.raises(FileNotFoundError, match='nowhere has no run'):
        figures.steps([tmp_path / 'nowhere'])


def test_a_step_without_its_config_is_told(tmp_path):
    write_run(tmp_path, 0)
    (tmp_path / 'step_0' / 'other.py').write_text('')
    with pytest.raises(ValueError, match='step_0 must have one config, has config.py, other.py'):
        figures.steps([tmp_path])


def test_default_rows_are_the_finished_ones_of_several_steps(tmp_path):
    write_run(tmp_path / 'kd' / 'seed_0', 0)
    write_run(tmp_path / 'dkd' / 'order_0' / 'seed_0', 0)
    write_run(tmp_path / 'half' / 'seed_0', 0, finished=1)
    write_run(tmp_path / 'first_steps' / 'abc', 0)
    write_run(tmp_path / 'joint' / 'seed_0', 0, finished=1)
    (tmp_path / 'joint/seed_0/step_0/config.py').write_text(
        'scenario = dict(name="joint", num_classes=4)'
    )
    (tmp_path / 'table.md').write_text('')
    assert figures.default_rows(tmp_path) == [tmp_path / 'dkd', tmp_path / 'kd']
    for folder in (tmp_path / 'half', tmp_path / 'nowhere'):
        with pytest.raises(FileNotFoundError, match='no finished run of several steps'):
            figures.default_rows(folder)


def test_rows_of_one_name_are_told_apart(tmp_path):
    rows = [tmp_path / 'kd' / 'seed_0', tmp_path / 'dkd' / 'seed_0']
    assert figures.labels_of(rows) == ['kd/seed_0', 'dkd/seed_0']
    assert figures.labels_of([tmp_path / 'kd', tmp_path / 'dkd']) == ['kd', 'dkd']
    assert figures.labels_of([tmp_path / 'kd']) == ['kd']


def test_change_has_three_panels_and_a_table_of_the_last_quarter(tmp_path):
    rows = [tmp_path / 'kd', tmp_path / 'dkd']
    iterations = np.arange(10, 90, 10)
    for factor, row in enumerate(rows, 1):
        for seed in range(2):
            write_run(row / f'seed_{seed}', seed)
            write_changes(row / f'seed_{seed}', '2026', ramp(iterations.tolist(), factor + seed))
    figure, table = figures.change(rows, 1)
    titles = [r'$\|z^+_{1} - z^+_{0}\|$', r'$\|z^-_{1} - z^-_{0}\|$', r'$\|z_{1} - z_{0}\|$']
    assert [axes.get_title() for axes in figure.axes] == titles
    for offset, axes in enumerate(figure.axes):
        for number in range(2):
            line = axes.lines[number]
            np.testing.assert_allclose(line.get_xdata(), iterations)
            np.testing.assert_allclose(line.get_ydata(), (number + 1.5) * iterations + offset)
            low, high = band(axes, number)
            np.testing.assert_allclose(high - low, 2 * iterations / np.sqrt(2))
    legend = [text.get_text() for text in figure.legends[0].texts]
    assert legend == ['without (kd), 2 runs', 'with (dkd), 2 runs']
    # Iterations 70 and 80, of the factors 1 and 2, then 2 and 3.
    assert table.splitlines()[2:] == [
        '| without (kd) | 112.50 (±53.03) | 113.50 (±53.03) | 114.50 (±53.03) | 2 |',
        '| with (dkd) | 187.50 (±53.03) | 188.50 (±53.03) | 189.50 (±53.03) | 2 |',
    ]


@pytest.mark.parametrize(
    'later, expected',
    [
        # Resumed at 20, having got as far as 30.
        (ramp([30, 40], 5), {**ramp([10, 20], 1), **ramp([30, 40], 5)}),
        # Trained again, less often measured.
        (ramp([10, 30], 5), ramp([10, 30], 5)),
        # Resumed behind the last measurement.
        ({}, ramp([10, 20, 30], 1)),
    ],
)
def test_later_folders_of_a_step_replace_what_they_measured_again(tmp_path, later, expected):
    write_run(tmp_path, 0)
    write_changes(tmp_path, '20260102_000000', later)
    write_changes(tmp_path, '20260101_000000', ramp([10, 20, 30], 1))
    write_changes(tmp_path, '20260101_000000', ramp([10], 9), step=2)
    figure, _ = figures.change([tmp_path, tmp_path], 1)
    for axes, column in zip(figure.axes, zip(*expected.values(), strict=True), strict=True):
        np.testing.assert_allclose(axes.lines[0].get_xdata(), list(expected))
        np.testing.assert_allclose(axes.lines[0].get_ydata(), column)


def test_a_run_without_the_hook_is_told(finished):
    with pytest.raises(ValueError, match=r'step_1 has no change/\*.*ReasoningChangeHook was not'):
        figures.change([finished, finished], 1)


@pytest.mark.parametrize(
    'line, words',
    [
        ('{"step": 1', 'Expecting'),
        ('[]', 'must be an object'),
        ('{"step": "1"}', 'step must be a whole number'),
        ('{"step": 1, "change/pos": "high"}', 'change/pos must be a number'),
    ],
)
def test_a_line_of_a_log_that_is_damaged_is_named(line, words, tmp_path):
    write_run(tmp_path, 0)
    write_changes(tmp_path, '2026', ramp([10, 20], 1))
    file = tmp_path / 'step_1/2026/vis_data/scalars.json'
    file.write_text(f'{file.read_text()}{line}\n')
    with pytest.raises(ValueError, match=f'{file}, line 4 is damaged .*{words}.* remove this line'):
        figures.change([tmp_path, tmp_path], 1)


def test_a_manifest_that_knows_of_more_than_the_results_is_told(tmp_path):
    write_run(tmp_path, 0)
    write_json(tmp_path / 'results.json', [])
    with pytest.raises(ValueError, match='results.json is damaged .it has no step, although'):
        figures.steps([tmp_path])
