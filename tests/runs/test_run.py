"""The sequence of steps: what it writes, what it skips, where it goes on."""

import csv
import json
import shutil

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, TestLoop

from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.evaluation import harmonic_mean
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.recipe import without
from mmseg_dkd.utils import checkpoint_types


def weights(path):
    return checkpoint_types.load(path)['state_dict']


def test_every_step_leaves_config_log_checkpoint_and_pictures(finished):
    for step in range(3):
        folder = finished / f'step_{step}'
        assert Config.fromfile(folder / 'fashion_4-2.py').step == step
        assert (folder / 'iter_2.pth').is_file()
        assert list(folder.glob('*/*.log'))
        for picture in ('curves.png', 'iou_matrix.png', 'samples.png'):
            assert (folder / picture).stat().st_size > 1000


def test_results_have_the_promised_keys(finished):
    results = json.loads((finished / 'results.json').read_text())
    assert [entry['step'] for entry in results] == [0, 1, 2]
    assert results[0]['miou_novel'] is None and results[0]['hiou'] is None
    for step, entry in enumerate(results):
        assert len(entry['per_class_iou']) == 5 + 2 * step
        assert list(entry['per_class_iou'])[0] == 'background'
        assert 0 <= entry['miou_all'] <= 100
        unknown = [name for name, iou in entry['per_class_iou'].items() if iou is None]
        assert entry['left_out'] == unknown
        if step:
            expected = harmonic_mean(entry['miou_base'], entry['miou_novel'])
            assert entry['hiou'] == pytest.approx(expected)
    rows = list(csv.DictReader((finished / 'results.csv').open()))
    assert [row['step'] for row in rows] == ['0', '1', '2']
    assert float(rows[2]['miou_all']) == results[2]['miou_all']
    assert rows[0]['ankle boot'] == '' and rows[2]['ankle boot'] != ''


def test_a_step_starts_from_the_one_before(finished, tiny, tmp_path):
    cfg = tiny(iterations=1)
    cfg.later_steps.optim_wrapper.optimizer.lr = 0.0
    folder = tmp_path / 'run'
    shutil.copytree(finished / 'step_0', folder / 'step_0')
    (folder / 'step_0/iter_2.pth').rename(folder / 'step_0/iter_1.pth')
    Run(cfg, folder).run([1])
    before, after = weights(folder / 'step_0/iter_1.pth'), weights(folder / 'step_1/iter_1.pth')
    for key, value in before.items():
        assert torch.equal(value, after[key]), key
    auxiliary = before['decode_head.conv_seg.auxiliary.weight']
    assert torch.equal(after['decode_head.conv_seg.steps.1.weight'], auxiliary.expand(2, -1, 1, 1))


def test_nothing_of_the_teacher_is_in_a_checkpoint(finished):
    names = set(weights(finished / 'step_2/iter_2.pth'))
    assert not [name for name in names if 'teacher' in name]
    heads = {name.split('.')[3] for name in names if name.startswith('decode_head.conv_seg.steps')}
    assert heads == {'0', '1', '2'}


def test_resume_skips_what_is_finished(finished, tiny, tmp_path, monkeypatch):
    folder = tmp_path / 'run'
    shutil.copytree(finished, folder)
    shutil.rmtree(folder / 'step_2')
    run, ran = Run(tiny(), folder), []
    original = run._run_step
    monkeypatch.setattr(
        run, '_run_step', lambda step, resume: ran.append(step.number) or original(step, resume)
    )
    results = run.run([0, 1, 2], resume=True)
    assert ran == [2]
    before = json.loads((finished / 'results.json').read_text())
    assert results[:2] == before[:2]
    assert without(results, ('provenance',)) == without(before, ('provenance',))


def test_resume_in_the_middle_of_a_step_ends_like_an_uninterrupted_run(tiny, tmp_path, monkeypatch):
    def without_chance():
        cfg = tiny(iterations=3)
        cfg.train_dataloader.dataset.dataset.pipeline = cfg.test_pipeline
        cfg.later_steps.model.freeze_dropout = True
        return cfg

    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    Run(without_chance(), whole).run([0, 1])
    shutil.copytree(whole, broken)
    run_iter = IterBasedTrainLoop.run_iter

    def die_at_the_third(self, batch):
        if self._iter == 2:
            raise KeyboardInterrupt
        run_iter(self, batch)

    monkeypatch.setattr(IterBasedTrainLoop, 'run_iter', die_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        Run(without_chance(), broken).run([1])
    monkeypatch.undo()
    assert (broken / 'step_1/last_checkpoint').read_text().endswith('iter_2.pth')
    Run(without_chance(), broken).run([0, 1], resume=True)
    a, b = weights(whole / 'step_1/iter_3.pth'), weights(broken / 'step_1/iter_3.pth')
    assert a.keys() == b.keys()
    for key in a:
        assert torch.equal(a[key], b[key]), key
    for name in ('results.json', 'manifest.json'):
        read = [json.loads((folder / name).read_text()) for folder in (whole, broken)]
        read = without(read, ('provenance',))
        if name == 'manifest.json':
            read = [sorted(content['steps']) for content in read]
        assert read[0] == read[1], name


def test_resume_of_another_scenario_is_refused(finished, tiny):
    with pytest.raises(ValueError, match='holds a run of scenario 4-2'):
        Run(tiny('dkd/fashion_4-1.py'), finished).run([1], resume=True)


def test_run_of_another_config_is_not_overwritten(finished, tiny):
    with pytest.raises(ValueError, match='holds a run of dkd/fashion_4-2.py, which kd/fashion'):
        Run(tiny('kd/fashion_4-2.py'), finished).run([1])


def test_run_of_another_config_is_not_resumed(finished, tiny, tmp_path):
    # Step 0 of DKD and of KD are the same training, so that the recipe alone would not tell.
    run = tmp_path / 'run'
    shutil.copytree(finished, run)
    for step in (1, 2):
        shutil.rmtree(run / f'step_{step}')
    before = (run / 'results.json').read_text()
    with pytest.raises(ValueError, match='a run of dkd/fashion_4-2.py, which kd/fashion.* go on'):
        Run(tiny('kd/fashion_4-2.py'), run).run([0, 1], resume=True)
    assert (run / 'results.json').read_text() == before


def test_a_run_in_its_first_step_belongs_to_its_config(tiny, tmp_path, monkeypatch):
    run = Run(tiny(), tmp_path)
    monkeypatch.setattr(run, '_run_step', lambda step, resume: None)
    run.run([0])
    with pytest.raises(ValueError, match='holds a run of dkd/fashion_4-2.py'):
        Run(tiny('kd/fashion_4-2.py'), tmp_path).ahead([0], resume=True)


def test_scenario_and_configs_are_resolved_once(tiny, tmp_path, monkeypatch):
    resolved = []

    def counted(cfg, step, previous=None):
        resolved.append(step)
        return step_config(cfg, step, previous)

    monkeypatch.setattr('mmseg_dkd.runs.step.step_config', counted)
    Run(tiny(iterations=1), tmp_path).run([0, 1, 2])
    assert resolved == [0, 1, 2]


def test_an_interrupted_repetition_leaves_nothing_to_resume_from_the_first_run(
    finished, tiny, tmp_path, monkeypatch
):
    folder = tmp_path / 'run'
    shutil.copytree(finished, folder)
    run = Run(tiny(), folder)
    original = run._run_step

    def die_in_step_1(step, resume):
        if step.number == 1:
            raise KeyboardInterrupt
        return original(step, resume)

    monkeypatch.setattr(run, '_run_step', die_in_step_1)
    with pytest.raises(KeyboardInterrupt):
        run.run([0, 1, 2])
    assert list(json.loads((folder / 'manifest.json').read_text())['steps']) == ['0']
    assert [e['step'] for e in json.loads((folder / 'results.json').read_text())] == [0]
    assert [(folder / f'step_{k}/last_checkpoint').exists() for k in (0, 1, 2)] == [1, 0, 0]


def test_a_repeated_step_drops_the_results_of_later_ones(finished, tiny, tmp_path):
    folder = tmp_path / 'run'
    shutil.copytree(finished, folder)
    Run(tiny(), folder).run([1])
    steps = [entry['step'] for entry in json.loads((folder / 'results.json').read_text())]
    assert steps == [0, 1]
    assert sorted(json.loads((folder / 'manifest.json').read_text())['steps']) == ['0', '1']
    assert not list(folder.glob('step_2/*.pth')), 'a checkpoint of no step'


@pytest.mark.parametrize(
    ('removed', 'ahead'), [([0], []), ([0, 1], []), ([2], [2]), ([1, 2], [1, 2]), ([0, 2], [2])]
)
def test_a_checkpoint_is_missed_where_a_step_starts_from_it(
    removed, ahead, finished, tiny, tmp_path
):
    folder = tmp_path / 'run'
    shutil.copytree(finished, folder)
    for step in removed:
        (folder / f'step_{step}/iter_2.pth').unlink()
    run = Run(tiny(), folder)
    assert run.ahead([0, 1, 2], resume=True) == ahead
    if not ahead:
        results = (folder / 'results.json').read_text()
        run.run([0, 1, 2], resume=True)
        assert (folder / 'results.json').read_text() == results


@pytest.mark.usefixtures('undrawn')
def test_the_weights_that_are_tested_are_those_that_are_kept(tiny, tmp_path, monkeypatch):
    cfg = tiny(iterations=4)
    cfg.custom_hooks.append(dict(type='EMAHook', momentum=0.02))
    run_epoch, tested = TestLoop.run, []

    def run(self):
        self.runner.register_hook(Look(), 'LOWEST')
        return run_epoch(self)

    class Look(Hook):
        def before_test_epoch(self, runner):
            tested.append({k: t.clone() for k, t in runner.model.state_dict().items()})

    monkeypatch.setattr(TestLoop, 'run', run)
    Run(cfg, tmp_path).run([0])
    kept = checkpoint_types.load(tmp_path / 'step_0/iter_4.pth')
    averaged, last = kept['state_dict'], kept['ema_state_dict']
    assert any(not torch.equal(t, last[f'module.{k}']) for k, t in averaged.items()), 'no average'
    assert all(torch.equal(t, averaged[k]) for k, t in tested[0].items())


@pytest.mark.parametrize('name', ['kd/fashion_4-2.py', 'frozen/fashion_4-2.py'])
@pytest.mark.usefixtures('undrawn')
def test_baselines_run_through_the_same_steps(name, tiny, tmp_path):
    cfg = tiny(name)
    cfg.later_steps.optim_wrapper.optimizer.lr = 0.0
    results = Run(cfg, tmp_path).run([0, 1, 2])
    assert [entry['step'] for entry in results] == [0, 1, 2]
    state = weights(tmp_path / 'step_2/iter_2.pth')
    new, auxiliary = (
        state[f'decode_head.conv_seg.{part}.weight'] for part in ('steps.2', 'auxiliary')
    )
    assert not torch.equal(new, auxiliary.expand_as(new)), 'they start at random'


def test_joint_learns_all_classes_at_once(tiny, tmp_path):
    results = Run(tiny('joint/fashion.py'), tmp_path).run([0])
    assert len(results) == 1 and len(results[0]['per_class_iou']) == 9
