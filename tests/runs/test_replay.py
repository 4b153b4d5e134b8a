"""The memory is drawn by the old model, mixed with the images of the step, and learned from."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import DATASETS

from mmseg_dkd import Scenario
from mmseg_dkd.datasets.demo.scenes import write_voc_like
from mmseg_dkd.datasets.memory import ADDED, read_memory
from mmseg_dkd.datasets.step_dataset import StepDataset
from mmseg_dkd.engine import hand_over
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.manifest import read_manifest
from mmseg_dkd.runs.replay import draw_memory
from mmseg_dkd.utils import checkpoint_types
from tests.oracle import ORACLE
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
        assert candidate.mask == f'SegmentationClass/{candidate.image[11:-4]}.png'
    assert len(memory.drawn) == 6


@pytest.mark.parametrize('sure', [(), (2,), (1, 4)])
def test_older_classes_are_those_the_loaded_old_model_is_sure_of(sure, cfg, run):
    draw_memory(Run(cfg, run).steps[1])
    make_sure(run, 1, sure)
    memory = read_memory(draw_memory(Run(cfg, run).steps[2]), SCENARIO, 2)
    second = dataset(cfg, 1)
    shows = dict(zip(second.names, second.presence[second.indices], strict=True))
    last = {x.image: x for x in memory.pool if 1 in x.steps}
    assert last.keys() == shows.keys()
    for image, candidate in last.items():
        # Step 0 trained on some of them, too: its labels are known, whatever the model says.
        labelled = {c for s in candidate.steps for c in SCENARIO.new(s)}
        truth = {c for c in labelled if shows[image][c]}
        assert set(candidate.classes) == truth | (set(sure) - labelled)
    assert {x.steps for x in last.values()} == {(1,), (0, 1)}


def test_steps_of_an_image_are_those_that_trained_on_it(cfg, run):
    draw_memory(Run(cfg, run).steps[1])
    memory = read_memory(draw_memory(Run(cfg, run).steps[2]), SCENARIO, 2)
    names = [set(dataset(cfg, step).names) for step in (0, 1)]
    for x in memory.pool:
        assert x.steps == tuple(step for step in (0, 1) if x.image in names[step])


def test_pool_is_the_memory_and_the_images_of_the_last_step(cfg, run):
    first = read_memory(draw_memory(Run(cfg, run).steps[1]), SCENARIO, 1)
    second = read_memory(draw_memory(Run(cfg, run).steps[2]), SCENARIO, 2)
    expected = {x.image for x in first.drawn} | set(dataset(cfg, 1).names)
    assert {x.image for x in second.pool} == expected
    forgotten = {x.image for x in first.pool} - expected
    assert forgotten, 'the test needs an image that was not kept'


@pytest.mark.parametrize('begun', [False, True])
def test_memory_of_another_size_is_drawn_unless_the_step_has_learned_from_it(begun, cfg, run):
    path = draw_memory(Run(cfg, run).steps[1])
    before = path.read_text()
    if not begun:
        (run / 'step_1/last_checkpoint').unlink()
    draw_memory(Run(cfg, run).steps[1])
    assert path.read_text() == before
    cfg.memory.size = 3
    draw_memory(Run(cfg, run).steps[1])
    assert len(read_memory(path, SCENARIO, 1).drawn) == (6 if begun else 3)


def test_damaged_memory_that_nothing_was_learned_from_is_drawn_again(cfg, run):
    (run / 'step_1/last_checkpoint').unlink()
    path = draw_memory(Run(cfg, run).steps[1])
    whole = path.read_text()
    path.write_text(whole[:-30])
    draw_memory(Run(cfg, run).steps[1])
    assert path.read_text() == whole


def test_draw_depends_on_the_seed_alone(cfg, run):
    draws = []
    for seed in (0, 0, 1):
        cfg.merge_from_dict({'randomness.seed': seed})
        path = draw_memory(Run(cfg, run).steps[1])
        draws.append(read_memory(path, SCENARIO, 1).drawn)
        path.unlink()
    assert draws[0] == draws[1] != draws[2]


def test_all_images_come_from_the_memory_at_share_1_with_the_labels_they_had(cfg, run):
    cfg.train_dataloader.dataset.dataset.pipeline = cfg.test_pipeline
    path = draw_memory(Run(cfg, run).steps[1])
    replaying, plain = dataset(cfg, 1, file=str(path), share=1.0), dataset(cfg, 1)
    raw = {image: row for row, (image, _) in enumerate(plain._files)}
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


def test_memory_is_added_to_the_images_of_the_step(cfg, run):
    path = draw_memory(Run(cfg, run).steps[1])
    replaying, plain = dataset(cfg, 1, file=str(path)), dataset(cfg, 1)
    assert len(replaying) == len(plain) + 6 and replaying.names == plain.names
    samples = [sample['data_samples'] for sample in replaying]
    shown = [sample.img_path for sample in samples]
    assert len(shown) == len(replaying)
    assert [Path(x).name for x in shown[:-6]] == [Path(x).name for x in plain.names]
    memory = read_memory(path, SCENARIO, 1).drawn
    assert [Path(x).name for x in shown[-6:]] == [Path(x.image).name for x in memory]
    assert ['labelled_steps' in sample for sample in samples] == len(plain) * [False] + 6 * [True]
    infos = [replaying.get_data_info(index)['img_path'] for index in range(len(replaying))]
    assert infos == [sample.img_path for sample in samples]


def test_share_of_the_memory_is_that_of_the_program():
    facts = np.load(ORACLE / 'memory_share.npz')
    replaying = StepDataset.__new__(StepDataset)
    replaying.memory_share = ADDED
    for images, memory, share in zip(
        facts['images_of_step'], facts['memory'], facts['program_share'], strict=True
    ):
        replaying.indices, replaying.memory = np.arange(images), [None] * memory
        assert memory / len(replaying) == pytest.approx(share, abs=1e-12)


def test_half_of_the_images_come_from_the_memory(cfg, run):
    path = draw_memory(Run(cfg, run).steps[1])
    replaying = dataset(cfg, 1, file=str(path), share=0.5)
    assert len(replaying) == len(dataset(cfg, 1))
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
    assert (choices['memory_share'], choices['memory_labels']) == ('added', 'trained')
    assert choices['memory'] == 24 and choices['replay'] == (1.0 if 'labels' in name else None)
    assert not (tmp_path / 'step_0/memory.json').exists()
    log = next((tmp_path / 'step_2').glob('*/*.log')).read_text()
    assert ('loss_replay' in log.split('Iter(train)')[1]) == ('labels' in name)
    before = [(tmp_path / f'step_{k}/memory.json').read_text() for k in (1, 2)]
    # Repeating the steps draws the same memory.
    Run(cfg, tmp_path).run([1, 2])
    assert before[0] == (tmp_path / 'step_1/memory.json').read_text()
    images = [entry['images'] for entry in read_manifest(tmp_path)['steps'].values()]
    assert images[0] == len(dataset(cfg, 0)) and images[1] == len(dataset(cfg, 1)) + len(
        json.loads(before[0])['drawn']
    )


def test_step_2_without_the_memory_of_step_1_is_refused_before_training(cfg, run):
    (run / 'manifest.json').unlink()
    with pytest.raises(RuntimeError, match='step_1/memory.json: the memory of step 1 is missing'):
        Run(cfg, run).run([2])


@pytest.mark.parametrize('memory', [dict(size='100'), dict(size=10, share=2), dict(size=-5), 3])
def test_wrong_memory_is_refused_before_training(memory, cfg, tmp_path):
    cfg.memory = memory
    with pytest.raises(ValueError, match='fashion_4-2.py: memory=.*write memory=dict'):
        Run(cfg, tmp_path / 'run').run([0, 1])
    assert not (tmp_path / 'run').exists()


def test_mask_of_two_meanings_is_told_before_training(cfg, tmp_path, monkeypatch):
    monkeypatch.setattr(StepDataset, 'problems_of_replay', lambda self: ['planted'])
    with pytest.raises(RuntimeError, match='nothing was trained:\nstep 1, 2: planted'):
        Run(cfg, tmp_path).check([0, 1, 2])


def test_step_config_is_the_same_with_and_without_memory(cfg, tiny):
    ours, plain = step_config(cfg, 1), step_config(tiny(), 1)
    assert ours.pop('memory') == dict(size=6, share='added', labels='trained')
    assert ours.to_dict() == plain.to_dict()


def test_checkpoint_of_another_step_is_no_old_model(cfg, run):
    draw_memory(Run(cfg, run).steps[1])
    shutil.copy(run / 'step_0/iter_2.pth', run / 'step_1/iter_2.pth')
    with pytest.raises(ValueError, match='step differs|seen differs'):
        draw_memory(Run(cfg, run).steps[2])
    assert hand_over.load(run / 'step_0/iter_2.pth', SCENARIO, 0)
