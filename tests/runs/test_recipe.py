"""Which runs share step 0, and which may be resumed."""

import json
import shutil

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import IterBasedTrainLoop

from mmseg_dkd import Scenario
from mmseg_dkd.engine import hand_over
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.recipe import first_step_of, recipe_of, without
from mmseg_dkd.utils import checkpoint_types
from tests.tiny import REPOSITORY

VOC = 'dkd/voc_15-5.py'


def load(name, **options):
    cfg = Config.fromfile(REPOSITORY / 'configs' / name)
    cfg.merge_from_dict(options)
    return cfg


@pytest.mark.parametrize(
    'name',
    ['dkd/voc_15-1.py', 'kd/voc_15-5.py', 'kd_init/voc_15-1.py', 'frozen/voc_15-5.py'],
)
def test_runs_with_the_same_first_training_share_it(name):
    assert first_step_of(load(name)) == first_step_of(load(VOC))


@pytest.mark.parametrize('name', ['dkd/voc_19-1.py', 'dkd/voc_15-5_disjoint.py'])
def test_other_base_classes_or_images_do_not_share(name):
    assert first_step_of(load(name)) != first_step_of(load(VOC))


@pytest.mark.parametrize(
    'options',
    [
        {'randomness.seed': 1},
        {'preset': 'paper'},
        {'scenario.order': [2, 1, *range(3, 21)]},
        {'train_dataloader.batch_size': 4},
        {'optim_wrapper.optimizer.lr': 0.5},
        {'model.backbone.depth': 50},
        {'model.decode_head.loss_decode.pos_weight': 3.0},
        {'train_dataloader.dataset.dataset.datasets': []},
        {'train_cfg.max_epochs': 1},
        {'test_evaluator.type': 'IoUMetric'},
    ],
)
def test_another_recipe_does_not_share(options):
    assert first_step_of(load(VOC, **options)) != first_step_of(load(VOC))


@pytest.mark.parametrize(
    'options',
    [
        {'train_dataloader.num_workers': 1},
        {'train_dataloader.dataset.presence_dir': 'index'},
        {'later_steps.optim_wrapper.optimizer.lr': 0.5},
        {'model.decode_head.init': 'random'},
        {'scenario.order': [*range(1, 16), 20, 19, 18, 17, 16]},
    ],
)
def test_what_decides_nothing_of_the_first_step_does_not_matter(options):
    assert first_step_of(load(VOC, **options)) == first_step_of(load(VOC))


def test_number_of_processes_matters_to_the_first_step(monkeypatch):
    alone = first_step_of(load(VOC))
    monkeypatch.setattr('mmseg_dkd.runs.recipe.get_world_size', lambda: 4)
    assert first_step_of(load(VOC)) != alone


def test_recipe_of_a_later_step_has_its_own_settings():
    changed = load(VOC, **{'later_steps.optim_wrapper.optimizer.lr': 0.5})
    assert recipe_of(step_config(changed, 0)) == recipe_of(step_config(load(VOC), 0))
    assert recipe_of(step_config(changed, 1)) != recipe_of(step_config(load(VOC), 1))


def test_shared_step_0_is_trained_once_and_marked_as_each_runs_own(tiny, tmp_path):
    pool = tmp_path / 'first_steps'
    Run(tiny(), tmp_path / 'a', pool).run([0, 1])
    (trained,) = pool.iterdir()
    log = (trained / 'step_0').stat().st_mtime_ns
    Run(tiny('kd/fashion_4-2.py'), tmp_path / 'b', pool).run([0])
    Run(tiny('dkd/fashion_4-1.py'), tmp_path / 'c', pool).run([0, 1])
    assert [folder.name for folder in pool.iterdir()] == [trained.name]
    assert (trained / 'step_0').stat().st_mtime_ns == log
    states = {}
    for run, scenario, init in (
        ('a', '4-2', 'auxiliary'),
        ('b', '4-2', 'random'),
        ('c', '4-1', 'auxiliary'),
    ):
        path = tmp_path / run / 'step_0/iter_2.pth'
        states[run] = hand_over.load(path, Scenario(scenario, 8), 0)
        assert states[run]['meta']['incremental']['choices']['init'] == init
        entry = json.loads((tmp_path / run / 'results.json').read_text())[0]
        assert entry['step'] == 0 and entry['choices']['init'] == init
        assert (tmp_path / run / 'step_0/samples.png').is_file()
        assert Config.fromfile(next((tmp_path / run / 'step_0').glob('*.py'))).step == 0
    own = checkpoint_types.load(trained / 'step_0/iter_2.pth')['state_dict']
    for checkpoint in states.values():
        assert all(torch.equal(own[k], v) for k, v in checkpoint['state_dict'].items())


@pytest.mark.usefixtures('undrawn')
def test_shared_step_0_equals_the_runs_own(tiny, tmp_path):
    Run(tiny(), tmp_path / 'own').run([0])
    Run(tiny(), tmp_path / 'sharing', tmp_path / 'pool').run([0])
    own, shared = (
        checkpoint_types.load(tmp_path / run / 'step_0/iter_2.pth')['state_dict']
        for run in ('own', 'sharing')
    )
    assert all(torch.equal(own[key], shared[key]) for key in own)
    entries = [json.loads((tmp_path / r / 'results.json').read_text()) for r in ('own', 'sharing')]
    own, shared = without(entries, ('provenance',))
    assert own == shared
    trained = {entry['provenance']['scenario'] for (entry,) in entries}
    assert len(trained) == 2, 'the shared one is of the run that trained it'


@pytest.mark.parametrize('resume', [True, False])
def test_another_recipe_is_refused_and_nothing_is_removed(resume, finished, tiny, tmp_path):
    shutil.copytree(finished, tmp_path / 'run')
    cfg = tiny()
    cfg.later_steps.optim_wrapper.optimizer.lr = 0.5
    cfg.train_dataloader.batch_size = 4
    keys = 'these options: optim_wrapper.optimizer.lr. Give'
    with pytest.raises(ValueError, match=f'step_1 was trained by another recipe.* {keys}'):
        Run(cfg, tmp_path / 'run').run([0, 1, 2], resume=resume)
    kept, there = (
        {file.relative_to(run): file.read_bytes() for file in run.rglob('*') if file.is_file()}
        for run in (finished, tmp_path / 'run')
    )
    assert kept == there


def test_an_interrupted_step_is_not_resumed_with_other_options(tiny, tmp_path, monkeypatch):
    run_iter = IterBasedTrainLoop.run_iter

    def die_at_the_second(self, batch):
        if self._iter == 1:
            raise KeyboardInterrupt
        run_iter(self, batch)

    monkeypatch.setattr(IterBasedTrainLoop, 'run_iter', die_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        Run(tiny(), tmp_path).run([0])
    other = tiny()
    other.optim_wrapper.optimizer.lr = 1e-4
    there = sorted(tmp_path.rglob('*.pth'))
    with pytest.raises(ValueError, match='these options: optim_wrapper.optimizer.lr. Give'):
        Run(other, tmp_path).run([0], resume=True)
    assert sorted(tmp_path.rglob('*.pth')) == there != []
    with pytest.raises(KeyboardInterrupt):
        Run(tiny(), tmp_path).run([0], resume=True)


def test_scalars_of_every_step_are_in_its_own_folder(finished):
    for step in range(3):
        (file,) = (finished / f'step_{step}').glob('*/vis_data/scalars.json')
        keys = {key for line in file.read_text().splitlines() for key in json.loads(line)}
        assert 'loss' in keys
