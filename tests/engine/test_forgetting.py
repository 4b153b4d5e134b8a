"""What is told of a training: agreement with the teacher, share of clipped updates, a warning."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.logging import MessageHub
from mmengine.runner import IterBasedTrainLoop
from torch import nn

from mmseg_dkd.engine.hooks import ForgettingHook
from mmseg_dkd.engine.hooks.forgetting_hook import LEAST, agreement_of, training_of
from mmseg_dkd.models.segmentor import evaluating
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.rehearsal import rehearse
from mmseg_dkd.utils import checkpoint_types
from tests.runs.test_resume import interrupted
from tests.tiny import write_outspoken

NOTHING = dict.fromkeys(('clipped', 'agreement', 'least_agreement', 'forgets_at'))
KEPT = ('agreement', 'grad_norm')


class Says(nn.Module):
    """A network whose prediction is given, and that refuses to be asked in training mode."""

    def __init__(self, maps: torch.Tensor, teacher: 'Says | None' = None) -> None:
        super().__init__()
        self.maps = maps
        self.__dict__['teacher'] = teacher

    def extract_feat(self, inputs):
        assert teaching(self), 'statistics would move'
        return inputs

    def decode_head(self, feature):
        return self.maps


def teaching(model):
    return model.teacher is None or not model.training


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 4))
def test_agreement_is_the_plain_count(seed, old, scale):
    rng = np.random.default_rng(seed)
    before = torch.tensor(rng.normal(size=(2, 1 + old, 6, 8)))
    now = torch.tensor(rng.normal(size=(2, 2 + old, 6, 8)))
    label = torch.tensor(rng.choice([0, 0, old + 1, 255], size=(2, 6 * scale, 8 * scale)))
    student = Says(now, Says(before)).train()
    found = agreement_of(student, torch.zeros(2, 3, 8, 8), label)
    assert student.training, 'it goes on training'
    same = []
    for n, y, x in np.ndindex(2, 6, 8):
        said, says = int(before[n, :, y, x].argmax()), int(now[n, :, y, x].argmax())
        if said > 0 and label[n, y * scale, x * scale] == 0:
            same.append(said == says)
    assert found == (pytest.approx(100 * np.mean(same)) if len(same) >= LEAST else None)


def test_every_module_is_in_its_own_mode_afterwards():
    model = nn.Sequential(nn.Dropout(), nn.Sequential(nn.BatchNorm2d(2), nn.Dropout())).train()
    model[1].train(False)
    model[1][1].train(True)
    with pytest.raises(KeyError), evaluating(model):
        assert not any(module.training for module in model.modules())
        raise KeyError
    assert [m.training for m in model.modules()] == [True, True, False, False, True]


def hub(**scalars: list[float]) -> MessageHub:
    made = MessageHub('of a test')
    for name, values in scalars.items():
        for value in values:
            made.update_scalar(f'train/{name}', value)
    return made


def test_shares_of_a_step():
    norms = hub(grad_norm=[1.0, 11.0, float('inf'), 10.0, float('nan'), 20.0])
    assert training_of(norms, 10.0)['clipped'] == 50.0, 'four updates, two of them above 10'
    assert training_of(norms, None)['clipped'] is None
    assert training_of(hub(), 10.0) == NOTHING
    found = training_of(hub(agreement=[9.0, 50.0, 60.0, 70.0, 80.0, 90.0]), None)
    assert found == dict(NOTHING, agreement=70.0, least_agreement=9.0)


def start_outspoken(cfg, folder):
    """Put a step 0 into the folder of a run whose model says every class somewhere."""
    _, checkpoint = write_outspoken(cfg, 0, folder / 'step_0')
    checkpoint.rename(folder / f'step_0/iter_{cfg.train_cfg.max_iters}.pth')


@pytest.fixture
def without_pictures(monkeypatch):
    for name in ('draw', 'predict_samples'):
        monkeypatch.setattr(f'mmseg_dkd.runs.run.{name}', lambda *args: None)


@pytest.mark.usefixtures('without_pictures')
@pytest.mark.parametrize('method', ['dkd_m', 'plop', 'sdr', 'rcil', 'frozen', 'finetune'])
def test_training_goes_on_as_without_it(method, tiny, tmp_path, monkeypatch):
    def run(folder):
        cfg = tiny(f'{method}/fashion_4-2.py', iterations=3)
        if 'memory' in cfg:
            cfg.memory.size = 8
        cfg.model.decode_head.dropout_ratio = 0.5
        start_outspoken(cfg, folder)
        results = Run(cfg, folder).run([1])
        state = checkpoint_types.load(folder / 'step_1/iter_3.pth')['state_dict']
        return state, results[-1]['training']

    measured, training = run(tmp_path / 'with')
    monkeypatch.setattr(ForgettingHook, 'after_train_iter', lambda *args, **kwargs: None)
    plain, nothing = run(tmp_path / 'without')
    assert measured.keys() == plain.keys()
    assert all(torch.equal(measured[key], plain[key]) for key in plain)
    assert 0 <= training['least_agreement'] <= training['agreement'] <= 100
    assert nothing == dict(NOTHING, clipped=training['clipped'])


@pytest.mark.usefixtures('without_pictures')
def test_every_update_is_clipped_or_none(tiny, tmp_path):
    for norm, share in ((1e-6, 100.0), (1e6, 0.0)):
        cfg = tiny(iterations=3)
        cfg.optim_wrapper.clip_grad.max_norm = norm
        (entry,) = Run(cfg, tmp_path / str(norm)).run([0])
        assert entry['training'] == dict(NOTHING, clipped=share)


def said(folder) -> str:
    (log,) = (folder / 'step_1').glob('*/*.log')
    return log.read_text()


@pytest.mark.usefixtures('without_pictures')
def test_a_step_that_forgets_is_warned_of_at_once_and_once(tiny, tmp_path):
    def run(folder, lr, bound):
        cfg = tiny('kd/fashion_4-2.py', iterations=60)
        cfg.default_hooks.checkpoint.interval = 60
        # Nothing keeps the old classes.
        cfg.model.decode_head.loss_kd = None
        cfg.later_steps.optim_wrapper.optimizer.lr = lr
        cfg.custom_hooks.append(dict(type='ForgettingHook', bound=bound))
        start_outspoken(cfg, folder)
        return Run(cfg, folder).run([1])[-1]['training']

    slow = run(tmp_path / 'slow', 1e-9, 98.0)
    assert slow['agreement'] > 98 and slow['forgets_at'] is None
    assert 'the step forgets' not in said(tmp_path / 'slow')
    fast = run(tmp_path / 'fast', 2.0, 98.0)
    assert fast['least_agreement'] < 50
    text = said(tmp_path / 'fast')
    warning = f'4-2, step 1, iteration {fast["forgets_at"]} of 60: the step forgets'
    assert text.count(warning) == text.count('the step forgets') == 1
    assert 1 <= fast['forgets_at'] <= 6
    assert 'later_steps.optim_wrapper.optimizer.lr' in text and '--steps 1' in text
    run(tmp_path / 'quiet', 2.0, 0.0)
    assert 'the step forgets' not in said(tmp_path / 'quiet')


@pytest.mark.usefixtures('without_pictures')
def test_a_resumed_step_tells_the_same_and_warns_no_second_time(tiny, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr('mmseg_dkd.runs.run.rehearse', rehearse)
    histories, told = [], []
    for name in ('whole', 'broken'):
        cfg, folder = tiny(iterations=20), tmp_path / name
        # Every measurement of the first tenth, after iterations 1 and 2, is below it.
        cfg.custom_hooks.append(dict(type='ForgettingHook', bound=101))
        start_outspoken(cfg, folder)
        if name == 'broken':
            interrupted(cfg, folder, IterBasedTrainLoop, 1)
        told.append(Run(cfg, folder).run([1], resume=True)[-1]['training'])
        scalars = checkpoint_types.load(folder / 'step_1/iter_20.pth')['message_hub']['log_scalars']
        histories.append([list(scalars[f'train/{key}'].data[0]) for key in KEPT])
        logs = ''.join(log.read_text() for log in (folder / 'step_1').glob('*/*.log'))
        assert logs.count('the step forgets') == 1
        shown = ''.join(capfd.readouterr())
        assert shown.count('the step forgets') == 1, 'a rehearsal warns of nothing'
    assert told[0] == told[1] and told[0]['forgets_at'] == 1
    assert histories[0] == histories[1] and [len(values) for values in histories[0]] == [20, 20]
