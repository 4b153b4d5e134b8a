"""What benchmarks/ measures is what was spent, and both sides compute the same."""

import json
import math
import sys
import time
from functools import partial

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch.nn.modules.batchnorm import _BatchNorm

from benchmarks import growth, run
from benchmarks.measure import Part, Stopwatch, compare, matrix_rate, peak_mib
from benchmarks.relabel import part as relabel_part
from benchmarks.step import Iteration, random_samples

from .tiny import REPOSITORY, shrink


def spend(mib: int, seconds: float):
    def run() -> None:
        np.ones(mib * 2**17)
        time.sleep(seconds)

    return run


@pytest.mark.slow
def test_ratios_of_a_known_expense():
    part = Part('known', partial(spend, 64, 0.05), partial(spend, 256, 0.2), repeats=3)
    found = compare(part)
    assert found['memory'] == pytest.approx(0.25, rel=0.1)
    assert found['ours']['mib'] == pytest.approx(64, rel=0.1)
    # A busy machine makes both sleep longer.
    assert 0.1 < found['time'] < 0.6
    assert found['time_range'][0] <= found['time'] <= found['time_range'][1]


def leave_holes():
    """Holes in the heap, of which every block takes another one."""
    # From now on smaller blocks come from the heap.
    np.ones(31 * 2**17)
    walls, holes = [], []
    for mib in range(4, 20, 2):
        holes.append(np.ones(mib * 2**17 + 512))
        walls.append(np.ones(2**13))
    holes.clear()

    def run() -> None:
        assert walls
        for mib in range(4, 20, 2):
            np.ones(mib * 2**17)

    return run


@pytest.mark.slow
def test_memory_that_was_given_back_does_not_count():
    assert peak_mib(leave_holes) == pytest.approx(18, rel=0.1)


def test_both_sides_of_relabelling_agree():
    part = relabel_part(quick=True)
    np.testing.assert_array_equal(part.ours()()['gt_seg_map'], part.plain()())


@pytest.fixture
def iterations() -> tuple[Iteration, Iteration]:
    """Ours and plain, on a tiny network."""
    cfg = Config.fromfile(REPOSITORY / 'configs/dkd/fashion_4-2.py')
    cfg = shrink(cfg, 'no data are read')
    cfg.model.data_preprocessor.size = (64, 64)
    return Iteration(cfg, 2, plain=False), Iteration(cfg, 2, plain=True)


def test_both_sides_of_an_iteration_agree(iterations):
    terms, gradients = zip(*map(terms_and_gradients, iterations), strict=True)
    assert len(terms[0]) == 4 and terms[0].keys() == terms[1].keys()
    for name, expected in terms[1].items():
        assert expected > 0
        torch.testing.assert_close(terms[0][name], expected, rtol=1e-4, atol=0, msg=name)
    assert len(gradients[0]) > 10 and gradients[0].keys() == gradients[1].keys()
    for name, expected in gradients[1].items():
        assert expected.abs().max() > 0, name
        assert (gradients[0][name] - expected).norm() <= 1e-4 * expected.norm(), name


def terms_and_gradients(iteration: Iteration) -> tuple[dict, dict]:
    model = iteration.model
    model.zero_grad()
    # Of the dropout.
    torch.manual_seed(0)
    terms = iteration.terms()
    sum(terms.values()).backward()
    return terms, {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


def test_only_our_teacher_is_folded(iterations):
    ours, plain = (
        sum(isinstance(m, _BatchNorm) for m in iteration.model.teacher.modules())
        for iteration in iterations
    )
    assert ours == 0 < plain


def test_an_iteration_changes_the_weights_and_leaves_no_gradient(iterations):
    for iteration in iterations:
        weight = iteration.model.decode_head.conv_seg.steps[1].weight
        before = weight.clone()
        assert math.isfinite(iteration())
        assert not torch.equal(weight, before) and weight.grad is None


def test_both_networks_take_the_same_operations(iterations):
    ours, plain = (iteration.network_flop() for iteration in iterations)
    assert ours == plain > 0


def test_shares_are_of_the_whole_iteration(iterations):
    parts = {'teacher', 'forward', 'losses', 'backward', 'optimizer'}
    for iteration in iterations:
        shares = iteration.shares(2)
        assert shares.keys() == parts and sum(shares.values()) == pytest.approx(1)
        assert all(0 < share < 1 for share in shares.values())


def test_labels_are_new_ones_or_unknown():
    label = torch.stack([s.gt_sem_seg.data for s in random_samples(8, (16, 8), range(11, 14))])
    assert label.shape == (8, 1, 16, 8) and set(label.unique().tolist()) == {0, 11, 12, 13}


class Work:
    def long(self) -> int:
        return self.spend(0.1)

    def short(self) -> int:
        return self.spend(0.02)

    @staticmethod
    def spend(seconds: float) -> int:
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass
        return 7


@pytest.mark.skipif(torch.cuda.is_available(), reason='events of a GPU see no work of the CPU')
def test_a_stopwatch_counts_what_it_is_told_to():
    work, watch = Work(), Stopwatch()
    watch.charge(work, 'long', 'a')
    watch.charge(work, 'short', 'b')
    assert [work.long(), work.short(), work.short(), work.spend(0.05)] == [7] * 4
    assert watch.seconds() == pytest.approx(dict(a=0.1, b=0.04), rel=0.2)


def test_matrix_rate_is_finite():
    assert 1e8 < matrix_rate(quick=True) < math.inf


@pytest.mark.parametrize('sizes', [[3, 2], [2, 1, 4, 2]])
def test_both_sides_of_growth_agree(sizes):
    ours, plain = (growth.make(sizes, 2, 64, side)() for side in (False, True))
    assert len(ours) == 4 and ours.keys() == plain.keys()
    for name, expected in plain.items():
        assert expected > 0
        torch.testing.assert_close(ours[name], expected, rtol=1e-4, atol=0, msg=name)


@pytest.mark.parametrize('classes, steps', [(15, 2), (150, 2), (150, 11), (150, 30)])
def test_steps_share_the_classes(classes, steps):
    sizes = growth.share(classes, steps)
    assert len(sizes) == steps and sum(sizes) == classes and sizes[-1] == growth.NEW
    assert max(sizes[:-1]) - min(sizes[:-1]) <= 1


def benchmark(monkeypatch, path, *arguments) -> dict:
    monkeypatch.setattr(sys, 'argv', ['run.py', '--quick', '--json', str(path), *arguments])
    run.main()
    return json.loads(path.read_text())


@pytest.mark.skipif(torch.cuda.is_available(), reason='it would be run')
def test_what_needs_a_gpu_says_that_it_was_not_run(monkeypatch, tmp_path, capsys):
    found = benchmark(monkeypatch, tmp_path / 'found.json', '--parts', 'step_ade_gpu')
    assert found['step_ade_gpu'].keys() == {'what'}
    assert 'C=150, N=6, 512 x 512' in found['step_ade_gpu']['what']
    assert 'not run: no GPU' in capsys.readouterr().out


def test_a_plot_needs_its_part(monkeypatch, tmp_path):
    with pytest.raises(SystemExit):
        benchmark(monkeypatch, tmp_path / 'found.json', '--parts', 'relabel', '--plot', 'no.png')


@pytest.mark.slow
def test_layout_of_the_figures(monkeypatch, tmp_path, capsys):
    names, picture = ('relabel', 'growth', 'step_voc'), tmp_path / 'growth.png'
    found = benchmark(
        monkeypatch, tmp_path / 'found.json', '--plot', str(picture), '--parts', *names
    )
    for name in names:
        part = found[name]
        for ratio in ('time', 'cpu_time', 'memory'):
            assert 0 < part[ratio] < math.inf
        for side in ('ours', 'plain'):
            assert part[side].keys() == {'mib', 'seconds', 'cpu_seconds'}
    curves = found['growth']['further']
    assert curves.keys() == {
        f'{side}_ms_by_{by}' for side in ('ours', 'plain') for by in ('classes', 'steps')
    }
    assert list(curves['ours_ms_by_classes']) == [str(count) for count in growth.CLASSES]
    further = found['step_voc']['further']
    for side in ('ours', 'plain'):
        assert further[f'{side}_images_per_second'] > 0 < further[f'{side}_of_matrix_rate']
        assert sum(further[f'{side}_shares'].values()) == pytest.approx(1)
    assert picture.stat().st_size > 10_000
    assert 'step_voc ours_shares: teacher 0.' in capsys.readouterr().out
