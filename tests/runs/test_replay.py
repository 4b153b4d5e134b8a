"""DKD-M: the memory is drawn by the old model, and learned from."""

import json
import shutil

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import DATASETS

from mmseg_dkd import Scenario
from mmseg_dkd.datasets.demo.scenes import write_voc_like
from mmseg_dkd.datasets.memory import read_memory
from mmseg_dkd.engine import hand_over
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.replay import draw_memory
from mmseg_dkd.utils import checkpoint_types
from tests.tiny import REPOSITORY

SCENARIO = Scenario('4-2', 8)


@pytest.fixture
def cfg(tiny):
    cfg = tiny('dkd_m/fashion_4-2.py')
    cfg.memory.size = 6
    return cfg


@pytest.fixture
def run(finished, tmp_path):
    shutil.copytree(finished, tmp_path / 'run')
    return tmp_path / 'run'


def dataset(cfg, step, **memory):
    cfg = step_config(cfg, step)
    if memory:
        cfg.train_dataloader.dataset.memory = memory
    return DATASETS.build(cfg.train_dataloader.dataset)


def make_sure(run, step, labels):
    """Let the old model be sure of some labels everywhere, and of no other anywhere."""
    path = run / f'step_{step}/iter_2.pth'
    checkpoint = checkpoint_types.load(path)
    label = 0
    for t in range(step + 1):
        bias = checkpoint['state_dict'][f'decode_head.conv_seg.steps.{t}.bias']
        for i in range(len(bias)):
            label += 1
            bias[i] = 1000.0 if label in labels else -1000.0
    torch.save(checkpoint, path)


def test_memory_of_step_1_knows_what_step_0_labelled(cfg, run):
    memory = read_memory(draw_memory(Run(cfg, run).steps[1]), SCENARIO, 1)
    first = dataset(cfg, 0)
    assert [x.image for x in memory.pool] == sorted(first.names)
    shows = dict(zip(first.names, first.presence[first.indices], strict=True))
    for candidate in memory.pool:
        new = [c for c in SCENARIO.new(0) if shows[candidate.image][c]]
        assert candidate.classes == tuple(new) and candidate.steps == (0,)
    assert len(memory.drawn) == 6


@pytest.mark.parametrize('sure', [(), (2,), (1, 4)])
def test_older_classes_are_those_the_loaded_old_model_is_sure_of(sure, cfg, run):
    draw_memory(Run(cfg, run).steps[1])
    make_sure(run, 1, sure)
    memory = read_memory(draw_memory(Run(cfg, run).steps[2]), SCENARIO, 2)
    second = dataset(cfg, 1)
    shows = dict(zip(second.names, second.presence[second.indices], strict=True))
    for candidate in memory.pool:
        if 1 in candidate.steps:
            new = {c for c in SCENARIO.new(1) if shows[candidate.image][c]}
            assert set(candidate.classes) == new | set(sure)


def test_pool_is_kept_from_step_to_step(cfg, run):
    draw_memory(Run(cfg, run).steps[1])
    memory = read_memory(draw_memory(Run(cfg, run).steps[2]), SCENARIO, 2)
    steps = {x.image: x.steps for x in memory.pool}
    for step in (0, 1):
        assert {name for name, s in steps.items() if step in s} == set(dataset(cfg, step).names)


def test_draw_depends_on_the_seed_alone(cfg, run):
    draws = []
    for seed in (0, 0, 1):
        cfg.merge_from_dict({'randomness.seed': seed})
        path = draw_memory(Run(cfg, run).steps[1])
        draws.append(path.read_text().replace(f'"seed": {seed}', ''))
        path.unlink()
    assert draws[0] == draws[1] != draws[2]


def test_all_images_come_from_the_memory_at_share_1_with_the_labels_they_had(cfg, run):
    cfg.train_dataloader.dataset.dataset.pipeline = cfg.test_pipeline
    path = draw_memory(Run(cfg, run).steps[1])
    replaying, plain = dataset(cfg, 1, file=str(path), share=1.0), dataset(cfg, 1)
    raw = {x: i for i, x in enumerate(plain._paths)}
    memory = {x.image: x for x in read_memory(path, SCENARIO, 1).drawn}
    seen = set()
    for _ in range(60):
        sample = replaying[0]['data_samples']
        image = 'JPEGImages/' + sample.img_path.split('/')[-1]
        seen.add(image)
        assert sample.labelled_steps == memory[image].steps == (0,)
        truth = set(np.flatnonzero(plain.presence[raw[image]]).tolist())
        # Classes of step 0 were labelled then, those of step 1 are now, later ones are unknown.
        assert set(np.unique(sample.gt_sem_seg.data)) == {0} | {c for c in truth if c <= 6}
    assert seen == set(memory)


def test_half_of_the_images_come_from_the_memory(cfg, run):
    replaying = dataset(cfg, 1, file=str(draw_memory(Run(cfg, run).steps[1])))
    np.random.seed(0)
    replayed = sum('labelled_steps' in replaying[0]['data_samples'] for _ in range(400))
    assert 150 < replayed < 250


def test_memory_of_a_concatenated_data_set(tmp_path):
    write_voc_like(tmp_path / 'voc', train=60, size=(96, 128))
    cfg = Config.fromfile(REPOSITORY / 'configs/dkd_m/voc_15-5.py')
    for part in cfg.train_dataloader.dataset.dataset.datasets:
        part.data_root = str(tmp_path / 'voc')
    cfg.test_dataloader.dataset.dataset.data_root = str(tmp_path / 'voc')
    path = draw_memory(Run(cfg, tmp_path).steps[1])
    memory = read_memory(path, Scenario('15-5', 20), 1)
    assert len(memory.drawn) == min(100, len(dataset(cfg, 0)))
    replaying = dataset(cfg, 1, file=str(path), share=1.0)
    images = {x.image for x in memory.drawn}
    for _ in range(30):
        sample = replaying[0]
        assert sample['inputs'].shape == (3, 512, 512)
        path = sample['data_samples'].img_path
        assert path.removeprefix(f'{tmp_path}/voc/') in images


def test_without_memory_nothing_is_replayed(cfg):
    assert not any('labelled_steps' in sample['data_samples'] for sample in dataset(cfg, 1))


def test_image_that_is_gone_is_named(cfg, run):
    path = draw_memory(Run(cfg, run).steps[1])
    path.write_text(path.read_text().replace('train_000', 'gone_000'))
    with pytest.raises(ValueError, match='memory.json: JPEGImages/gone_.* is not in the data set'):
        dataset(cfg, 1, file=str(path))


@pytest.mark.parametrize('name', ['dkd_m', 'dkd_m_labels'])
@pytest.mark.usefixtures('undrawn')
def test_whole_run(name, tiny, tmp_path):
    cfg = tiny(f'{name}/fashion_4-2.py')
    results = Run(cfg, tmp_path).run([0, 1, 2])
    assert [entry['step'] for entry in results] == [0, 1, 2]
    choices = results[2]['choices']
    assert choices['memory'] == 24 and choices['replay'] == (1.0 if 'labels' in name else None)
    assert not (tmp_path / 'step_0/memory.json').exists()
    log = next((tmp_path / 'step_2').glob('*/*.log')).read_text()
    assert ('loss_replay' in log.split('Iter(train)')[1]) == ('labels' in name)
    before = [(tmp_path / f'step_{k}/memory.json').read_text() for k in (1, 2)]
    # Repeating the steps draws the same memory.
    Run(cfg, tmp_path).run([1, 2])
    assert before[0] == (tmp_path / 'step_1/memory.json').read_text()
    pools = [json.loads(text)['pool'] for text in before]
    assert len(pools[1]) > len(pools[0])


def test_step_2_without_the_memory_of_step_1_is_refused_before_training(cfg, run):
    (run / 'manifest.json').unlink()
    with pytest.raises(RuntimeError, match='step_1/memory.json: the memory of step 1 is missing'):
        Run(cfg, run).run([2])


@pytest.mark.parametrize('memory', [dict(size='100'), dict(size=10, share=2), dict(number=3)])
def test_wrong_memory_is_refused(memory, cfg, tmp_path):
    cfg.memory = memory
    with pytest.raises(ValueError, match='write memory=dict'):
        Run(cfg, tmp_path)


def test_step_config_is_the_same_with_and_without_memory(cfg, tiny):
    ours, plain = step_config(cfg, 1), step_config(tiny(), 1)
    assert ours.pop('memory') == dict(size=6)
    assert ours.to_dict() == plain.to_dict()


def test_checkpoint_of_another_step_is_no_old_model(cfg, run):
    draw_memory(Run(cfg, run).steps[1])
    shutil.copy(run / 'step_0/iter_2.pth', run / 'step_1/iter_2.pth')
    with pytest.raises(ValueError, match='step differs|seen differs'):
        draw_memory(Run(cfg, run).steps[2])
    assert hand_over.load(run / 'step_0/iter_2.pth', SCENARIO, 0)
