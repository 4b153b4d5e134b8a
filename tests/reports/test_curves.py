"""The figure of all methods: what is drawn is what the runs have."""

from pathlib import Path

import numpy as np
import pytest

from mmseg_dkd.reports.curves import draw_curves
from mmseg_dkd.reports.outcomes import Outcome
from mmseg_dkd.visualization import drawing


def outcome(seed: int, sizes=(2, 1, 1), minutes: float | None = None) -> Outcome:
    """A run of random IoUs that learns ``sizes`` classes a step; 2 of them count as base."""
    rng = np.random.default_rng(seed)
    entries = []
    for step in range(len(sizes)):
        names = ['background', *(f'class {c}' for c in range(sum(sizes[: step + 1])))]
        iou = {name: float(rng.uniform(0, 100)) for name in names}
        entries.append(dict(step=step, per_class_iou=iou))
    return Outcome(Path(f'{seed}'), entries, ['background', 'class 0', 'class 1'], minutes, None)


def test_means_of_all_base_and_novel_classes_over_the_steps():
    kd = [outcome(seed) for seed in range(3)]
    joint = [outcome(seed, (4,)) for seed in (7, 8)]
    figure = draw_curves({'2-1': dict(kd=kd, joint=joint, empty=[])})
    everything, base, novel, _ = figure.axes
    iou = [[list(entry['per_class_iou'].values()) for entry in run.entries] for run in kd]
    expected = {
        everything: [[np.mean(step) for step in run] for run in iou],
        base: [[np.mean(step[:3]) for step in run] for run in iou],
        novel: [[np.mean(step[3:]) for step in run[1:]] for run in iou],
    }
    for axes, values in expected.items():
        values = np.array(values)
        line = axes.lines[0]
        np.testing.assert_allclose(line.get_xdata(), np.arange(3 - values.shape[1], 3))
        np.testing.assert_allclose(line.get_ydata(), values.mean(0))
        heights = axes.collections[0].get_paths()[0].vertices[:, 1]
        deviation = values.std(0, ddof=1)
        np.testing.assert_allclose(heights.max(), (values.mean(0) + deviation).max())
        np.testing.assert_allclose(heights.min(), (values.mean(0) - deviation).min())
    parts = {everything: slice(None), base: slice(3), novel: slice(3, None)}
    for axes, part in parts.items():
        point = axes.lines[1]
        names = [list(run.entries[0]['per_class_iou'].values())[part] for run in joint]
        np.testing.assert_allclose(point.get_ydata(), [np.mean(names)])
        assert abs(point.get_xdata()[0] - 2) < 0.3, 'at the last step'


def test_names_of_folders_are_no_formulas(tmp_path):
    odd = r'$\frac$'
    draw_curves({odd: {odd: [outcome(0), outcome(1)]}}).savefig(tmp_path / 'curves.png')


def test_a_row_of_panels_for_every_scenario_and_one_legend():
    methods = {f'method {k}': [outcome(k)] for k in range(13)}
    figure = draw_curves(
        {'a': methods, 'b': {'method 12': methods['method 12'], 'more': [outcome(9)]}}
    )
    assert len(figure.axes) == 8
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.texts] == [*methods, 'more']
    # A method looks the same in all panels, and like no other.
    first, second = figure.axes[0].lines[12], figure.axes[4].lines[0]
    assert first.get_label() == second.get_label() == 'method 12'
    assert first.get_color() == second.get_color() and first.get_marker() == second.get_marker()
    looks = {(line.get_color(), line.get_marker()) for line in figure.axes[0].lines}
    assert len(looks) == 13


def test_cost_is_drawn_where_it_was_measured():
    kd = [outcome(seed, minutes=10.0 + seed) for seed in range(2)]
    figure = draw_curves({'2-1': dict(kd=kd, unknown=[outcome(5)])})
    cost = figure.axes[3]
    (container,) = cost.containers
    hious = []
    for run in kd:
        values = list(run.entries[-1]['per_class_iou'].values())
        base, novel = np.mean(values[:3]), np.mean(values[3:])
        hious.append(2 * base * novel / (base + novel))
    point = container.lines[0]
    assert list(point.get_xdata()) == [10.5]
    assert list(point.get_ydata()) == pytest.approx([np.mean(hious)])


def test_49_methods_differ_in_colour_or_marker():
    looks = [drawing.style(number) for number in range(49)]
    assert len({(look['color'], look['marker']) for look in looks}) == 49


def test_joint_training_alone_has_no_novel_classes():
    figure = draw_curves(
        {'all': dict(joint=[outcome(seed, (2,), minutes=1.0) for seed in range(2)])}
    )
    everything, base, novel, cost = figure.axes
    np.testing.assert_array_equal(everything.lines[0].get_ydata(), base.lines[0].get_ydata())
    assert len(novel.lines[0].get_xdata()) == 0 and not cost.containers
