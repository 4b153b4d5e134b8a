"""A run whose last step learns known classes anew, from its start to its page."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.apis import inference_model, init_model
from mmseg.registry import DATASETS, MODELS
from PIL import Image

from mmseg_dkd import Scenario
from mmseg_dkd.engine import hand_over
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.evaluation import harmonic_mean
from mmseg_dkd.models.method_registry import METHODS
from mmseg_dkd.reports.contents import read_contents
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.evaluate import scores_of
from mmseg_dkd.runs.results import read_results
from mmseg_dkd.utils import checkpoint_types
from tests.tiny import REPOSITORY, shrink

# Trouser is of step 0, sandal of step 1.
STEPS = [[1, 2, 3, 4], [5, 6, 7, 8], [2, 5]]
NAMES = (
    *('background', 't-shirt', 'pullover', 'dress'),
    *('sneaker', 'bag', 'ankle boot', 'trouser', 'sandal'),
)


@pytest.fixture
def anew(tiny):
    """A config of the demo with such a last step."""

    def make(name: str = 'dkd/fashion_4-2.py') -> Config:
        cfg = tiny(name)
        cfg.scenario = dict(name=STEPS, num_classes=8, refresh=True)
        return cfg

    return make


@pytest.fixture(scope='module')
def run_of_three(scenes, tmp_path_factory):
    """Its folder, and its config."""
    cfg = shrink(Config.fromfile(REPOSITORY / 'configs/dkd/fashion_4-2.py'), scenes)
    cfg.scenario = dict(name=STEPS, num_classes=8, refresh=True)
    folder = tmp_path_factory.mktemp('runs') / 'fashion_refresh'
    Run(cfg, folder).run([0, 1, 2])
    return folder, cfg


def outspoken(model: torch.nn.Module) -> torch.nn.Module:
    torch.manual_seed(1)
    for step in model.decode_head.conv_seg.steps:
        torch.nn.init.normal_(step.weight)
        torch.nn.init.normal_(step.bias)
    return model.eval()


@pytest.fixture
def hands(anew):
    """The model of step 1, that of step 2 as it starts, and its teacher, of a config."""

    def make(name: str) -> tuple:
        cfg = anew(name)
        before = outspoken(MODELS.build(step_config(cfg, 1).model))
        later = step_config(cfg, 2, 'none.pth').model
        student = MODELS.build(later).eval()
        state = before.state_dict()
        student.load_state_dict(hand_over.start_state(state, student), strict=True)
        return before, student, hand_over.build_teacher(later, state, 1, torch.device('cpu'))

    return make


@pytest.mark.parametrize('name', ['dkd/fashion_4-2.py', 'kd/fashion_4-2.py'])
def test_a_refresh_starts_with_what_was_known_and_its_teacher_says_the_rest(name, hands):
    before, student, teacher = hands(name)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        known, started, taught = (
            model.decode_head(model.extract_feat(images)) for model in (before, student, teacher)
        )
    order = [0, 1, 3, 4, 6, 7, 8, 2, 5]
    assert torch.equal(started, known[:, order])
    torch.testing.assert_close(taught, known[:, order[:-2]], rtol=1e-4, atol=1e-4)
    sizes = [len(step.bias) for step in student.decode_head.conv_seg.steps]
    assert sizes == [3, 3, 2]


def test_distillation_leaves_what_is_learned_anew_alone(hands):
    _, student, teacher = hands('dkd/fashion_4-2.py')
    head, images = student.decode_head, torch.randn(2, 3, 64, 64)
    feature = head.feature(student.extract_feat(images))
    says = teacher.decode_head.teacher_outputs(teacher.extract_feat(images + 1), head)
    kd = head.loss_kd(head.conv_seg(feature), says.logits, (64, 64))
    kd.backward()
    rows = [step.weight.grad.flatten(1).norm(dim=1) for step in head.conv_seg.steps]
    assert (torch.cat(rows[:2]) > 0).all()
    assert (rows[2] == 0).all()


def test_a_step_may_learn_one_anew_and_others_for_the_first_time(anew):
    cfg = anew('dkd/fashion_4-2.py')
    cfg.scenario = dict(name=[[1, 2, 3, 4], [5, 6], [7, 2, 8]], num_classes=8, refresh=True)
    state = outspoken(MODELS.build(step_config(cfg, 1).model)).state_dict()
    student = MODELS.build(step_config(cfg, 2, 'none.pth').model)
    started = hand_over.start_state(state, student)
    for part in ('weight', 'bias'):
        key = f'decode_head.conv_seg.steps.{{}}.{part}'.format
        taught, old = state[f'decode_head.conv_seg.auxiliary.{part}'][0], state[key(0)]
        assert torch.equal(started[key(2)], torch.stack([taught, old[1], taught]))
        assert torch.equal(started[key(0)], old[[0, 2, 3]])
        assert torch.equal(started[key(1)], state[key(1)])


@pytest.mark.usefixtures('undrawn')
@pytest.mark.parametrize(
    'steps', [[[1, 2, 3, 4], [5, 6, 7, 8], [5, 6, 7, 8]], [[1, 2, 3, 4, 5, 6, 7, 8], [8, 1, 2]]]
)
def test_all_of_a_step_may_be_learned_anew_and_by_runs_that_share_step_0(steps, anew, tmp_path):
    cfg = anew()
    cfg.scenario = dict(name=steps, num_classes=8, refresh=True)
    run = Run(cfg, tmp_path / 'run', first_steps=tmp_path / 'first_steps')
    results = run.run(list(range(len(steps))))
    assert [len(entry['per_class_iou']) for entry in results] == [1 + len(steps[0])] + [9] * (
        len(steps) - 1
    )


def test_methods_that_know_more_of_a_class_than_a_row_refuse(anew, tmp_path):
    able = {name for name, method in METHODS.module_dict.items() if method.REFRESHES}
    assert able == {'DKDHead'}
    for name in ('mib', 'finetune', 'exact', 'ssul'):
        (plan,) = Run(anew(f'{name}/fashion_4-2.py'), tmp_path).plan([2])
        assert any('learns no class anew' in text for text in plan.missing), plan.missing
        (plan,) = Run(anew(f'{name}/fashion_4-2.py'), tmp_path).plan([0])
        assert not any('anew' in text for text in plan.missing)


def test_a_memory_is_refused(anew, tmp_path):
    plans = Run(anew('dkd_m/fashion_4-2.py'), tmp_path).plan([1, 2])
    found = [[text for text in plan.missing if 'set memory=None' in text] for plan in plans]
    assert [len(each) for each in found] == [0, 1]


def test_scores_and_weights_of_a_run(run_of_three):
    folder, _ = run_of_three
    entry = json.loads((folder / 'results.json').read_text())[2]
    iou = entry['per_class_iou']
    assert tuple(iou) == NAMES
    novel = ('sandal', 'sneaker', 'bag', 'ankle boot')
    means = [
        sum(iou[n] for n in names) / len(names)
        for names in ([n for n in NAMES if n not in novel], novel)
    ]
    assert [entry['miou_base'], entry['miou_novel']] == pytest.approx(means)
    assert entry['hiou'] == pytest.approx(harmonic_mean(*means))
    state = checkpoint_types.load(folder / 'step_2/iter_2.pth')['state_dict']
    sizes = [len(state[f'decode_head.conv_seg.steps.{t}.bias']) for t in range(3)]
    assert sizes == [3, 3, 2]


@pytest.mark.parametrize('step', [1, 2])
def test_evaluation_of_a_step_is_what_the_run_reported(run_of_three, step):
    folder, cfg = run_of_three
    checkpoint = folder / f'step_{step}/iter_2.pth'
    rows = scores_of(step_config(cfg, step), checkpoint, ['whole'])
    (row,) = (row for row in rows if row['convention'] == 'DKD')
    entry = json.loads((folder / 'results.json').read_text())[step]
    for key in ('miou_base', 'miou_novel', 'miou_all', 'hiou'):
        assert row[key] == pytest.approx(entry[key], abs=1e-3)


def test_page_names_the_classes_of_every_step(run_of_three):
    folder, _ = run_of_three
    page = read_contents(folder)
    assert page['learned'][0] == ['t-shirt', 'trouser', 'pullover', 'dress']
    assert page['learned'][2] == ['trouser', 'sandal']
    assert page['names'] == list(NAMES)
    learned_at = {row['name']: row['step'] for row in page['classes']}
    assert (learned_at['trouser'], learned_at['sandal'], learned_at['background']) == (0, 1, 0)
    assert not page['missing']


def test_samples_of_all_steps_have_the_labels_of_the_last(run_of_three):
    folder, cfg = run_of_three
    for step in (0, 1, 2):
        samples = folder / f'step_{step}/samples'
        assert (samples / 'classes.txt').read_text().split('\n')[:-1] == list(NAMES)
    # Before the refresh, trouser had label 2, and has 7 now.
    cfg = step_config(cfg, 1)
    data = DATASETS.build(cfg.test_dataloader.dataset)
    names, step_1 = data.metainfo['classes'], folder / 'step_1'
    assert names.index('trouser') == 2
    model = init_model(cfg, str(step_1 / 'iter_2.pth'), device='cpu')
    for file in sorted((step_1 / 'samples').glob('*_truth.png')):
        with Image.open(file) as one, Image.open(folder / 'step_2/samples' / file.name) as two:
            assert np.array_equal(np.asarray(one), np.asarray(two))
    checked = 0
    for index in range(len(data)):
        image = Path(data.places[index][0])
        for file in (step_1 / 'samples').glob('*_image.png'):
            with Image.open(file) as one, Image.open(image) as two:
                if not np.array_equal(np.asarray(one), np.asarray(two)):
                    continue
            said = inference_model(model, str(image)).pred_sem_seg.data[0].numpy()
            with Image.open(str(file).replace('image', 'prediction')) as stored:
                assert (np.array(names)[said] == np.array(NAMES)[np.asarray(stored)]).all()
            checked += 1
    assert checked > 2


@pytest.mark.parametrize('change', ['order', 'lost'])
def test_results_that_contradict_the_scenario_are_refused(change, run_of_three, tmp_path):
    folder, cfg = run_of_three
    entries = json.loads((folder / 'results.json').read_text())
    iou = entries[2]['per_class_iou']
    if change == 'order':
        entries[2]['per_class_iou'] = {'background': iou.pop('background'), 'bag': iou['bag']} | iou
        message = 'step 2 has the classes of step 1 in another order than'
    else:
        entries[2]['per_class_iou'] = {f'{name}{"s" * (name == "bag")}': iou[name] for name in iou}
        message = "step 2 lacks 'bag' of step 1"
    (tmp_path / 'results.json').write_text(json.dumps(entries))
    with pytest.raises(ValueError, match=f'results.json is damaged .*{message}'):
        read_results(tmp_path, Scenario(**cfg.scenario))
