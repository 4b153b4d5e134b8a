"""A training, iteration by iteration, beside the same training by the authors' program, in float64.

Runner, hand-over, losses, parameter groups and schedule are those of ``configs/dkd``; the network
has an eighth of the width. tests/data/README.md says what the files hold.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.models import SegDataPreProcessor
from mmseg.registry import DATASETS, HOOKS, MODELS
from mmseg.structures import SegDataSample

from mmseg_dkd import Scenario
from mmseg_dkd.engine import hand_over
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.models.weights.official_names import from_official, to_official
from tests.oracle import ORACLE, fill
from tests.tiny import REPOSITORY

BATCH, SIZE = 4, 64
NAMES = ['voc_15-5_step0', 'voc_15-5_step1', 'ade_100-50_step0', 'ade_100-50_step1']
# How closely tensors must move as theirs at each step, relative to how far they move. At step 0
# BatchNorm in training mode makes rounding about ten times larger in every iteration.
TOLERANCES = (1e-5, 1e-7)
# Options of step 1 that would be another training.
OTHERS = {
    'no nesterov': {'optim_wrapper.optimizer.nesterov': False},
    'beta': {'model.decode_head.loss_dkd.loss_weight': 4.99},
    'gamma': {'later_steps.model.decode_head.loss_decode.pos_weight': 1.01},
    'weight decay': {'optim_wrapper.optimizer.weight_decay': 0.0},
    'BatchNorm trained': {'later_steps.model.freeze_norm': False},
}


class Enough(Exception):
    """The trajectory ends before the step does."""


@DATASETS.register_module()
class RecordedBatches:
    """Batches of the oracle, one image at a time, in blue, green, red, over and over."""

    metainfo = {}

    def __init__(self, name: str, length: int) -> None:
        with np.load(ORACLE / f'trajectory_{name}.npz') as stored:
            self.images = torch.from_numpy(stored['images']).flatten(0, 1).flip(1)
            self.labels = torch.from_numpy(stored['labels']).flatten(0, 1)
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict:
        index %= len(self.images)
        sample = SegDataSample(gt_sem_seg=PixelData(data=self.labels[index, None].long()))
        return dict(inputs=self.images[index], data_samples=sample)


@MODELS.register_module()
class Float64PreProcessor(SegDataPreProcessor):
    """mmseg's, which casts images to float32, without its padding."""

    def forward(self, data: dict, training: bool = False) -> dict:
        images = torch.stack(data['inputs']).double()[:, [2, 1, 0]]
        return dict(data, inputs=(images - self.mean) / self.std)


@HOOKS.register_module()
class Walk(Hook):
    """Starts from the state given and writes down what the oracle has, for some iterations."""

    priority = 'LOWEST'

    def __init__(self, state: dict, iterations: int) -> None:
        self.state, self.iterations = state, iterations
        self.probes, self.rates, self.terms = [], [], []

    def before_train(self, runner: Runner) -> None:
        if runner.model.decode_head.step == 0:
            runner.model.load_state_dict(self.state, strict=True)
        self.probe(runner)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict) -> None:
        names = {id(p): name for name, p in runner.model.named_parameters()}
        rates = {
            names[id(p)].startswith('backbone'): group['lr']
            for group in runner.optim_wrapper.optimizer.param_groups
            for p in group['params']
        }
        self.rates.append([rates[True], rates[False]])

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch, outputs: dict) -> None:
        self.terms.append({k.removeprefix('decode.loss_'): v.item() for k, v in outputs.items()})
        self.probe(runner)
        if len(self.terms) == self.iterations:
            raise Enough

    def probe(self, runner: Runner) -> None:
        state = to_official(runner.model.state_dict())
        self.probes.append({k: probes_of(t) for k, t in state.items()})


def probes_of(tensor: torch.Tensor) -> list[float]:
    """Sum, and dot product with cos(0), cos(1), and so on."""
    flat = tensor.double().flatten()
    return [flat.sum().item(), flat.dot(torch.arange(len(flat)).cos()).item()]


def start(cfg: Config, step: int, stored: dict) -> dict[str, torch.Tensor]:
    """State dict of the model of a step, as the oracle's makers drew it."""
    shapes = to_official(MODELS.build(step_config(cfg, step).model).state_dict())
    state = {}
    for name, tensor in shapes.items():
        given = stored.get(f'running/{name}')
        state[name] = fill(name, tensor.shape) if given is None else torch.from_numpy(given)
    return from_official(state)


def small(name: str, stored: dict) -> Config:
    """The config of a case at the size of the oracle."""
    cfg = Config.fromfile(REPOSITORY / f'configs/dkd/{name.rsplit("_", 1)[0]}.py')
    cfg.model.backbone.update(depth=50, base_channels=8, stem_channels=8, init_cfg=None)
    cfg.model.decode_head.update(in_channels=256, channels=16, projection_dropout=0)
    cfg.model.data_preprocessor.update(type='Float64PreProcessor', size=(SIZE, SIZE))
    if name.startswith('ade'):
        cfg.train_cfg.max_epochs = 20
    epoch = int(stored['iterations_of_schedule']) // cfg.train_cfg.max_epochs
    cfg.train_dataloader = dict(
        batch_size=BATCH,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(type='RecordedBatches', name=name, length=epoch * BATCH),
    )
    cfg.optim_wrapper.type = 'OptimWrapper'
    if name.endswith('step0'):
        # Five iterations of an untrained network are chaotic with the learning rate of the recipe.
        cfg.optim_wrapper.optimizer.lr = float(stored['base_lr'])
    return cfg


@pytest.fixture(autouse=True)
def in_float64():
    init_default_scope('mmseg')
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def walk(name: str, stored: dict, folder: Path, iterations: int, options: dict) -> Walk:
    """Train that far, by the config with these options."""
    step = int(name[-1])
    cfg = small(name, stored)
    cfg.merge_from_dict(options)
    state = start(cfg, max(0, step - 1), stored)
    previous = None
    if step:
        meta = dict(incremental=hand_over.describe(Scenario(**cfg.scenario), step - 1))
        previous = str(folder / 'previous.pth')
        torch.save(dict(meta=meta, state_dict=state), previous)
    cfg = step_config(cfg, step, previous)
    cfg.work_dir = str(folder)
    cfg.experiment_name = f'{name}_{folder.name}'
    cfg.visualizer.name = cfg.experiment_name
    runner = Runner.from_cfg(cfg)
    recorder = Walk(state, iterations)
    runner.register_hook(recorder)
    with pytest.raises(Enough):
        runner.train()
    return recorder


def departures(name: str, stored: dict, ours: Walk) -> dict[str, float]:
    """Largest difference of each tensor's probes, relative to how far it moves."""
    keys, found = stored['keys'].tolist(), {}
    assert set(keys) == {k for k in ours.probes[0] if not k.endswith('num_batches_tracked')}
    theirs = stored['probes'] - stored['probes'][0]
    actual = np.array([[probes[k] for k in keys] for probes in ours.probes])
    actual -= actual[0]
    for index, key in enumerate(keys):
        expected = theirs[: len(actual), index]
        moved = np.abs(expected).max()
        difference = np.abs(actual[:, index] - expected).max()
        found[key] = difference / moved if moved else difference
    return found


def load(name: str) -> dict:
    with np.load(ORACLE / f'trajectory_{name}.npz') as stored:
        return dict(stored)


@pytest.mark.parametrize('name', NAMES)
def test_training_walks_the_trajectory_of_the_authors_program(name, tmp_path):
    stored = load(name)
    ours = walk(name, stored, tmp_path, len(stored['lr']), {})
    np.testing.assert_allclose(ours.rates, stored['lr'], rtol=1e-12)
    terms = [[terms[term] for term in stored['term_names']] for terms in ours.terms]
    tolerance = TOLERANCES[int(name[-1])]
    np.testing.assert_allclose(terms, stored['terms'], rtol=tolerance)
    found = departures(name, stored, ours)
    worst = max(found, key=found.get)
    assert found[worst] < tolerance, f'{worst} departs by {found[worst]:.1e} of its movement'


@pytest.mark.parametrize('other', OTHERS)
def test_another_training_leaves_the_trajectory(other, tmp_path):
    name = 'voc_15-5_step1'
    stored = load(name)
    found = departures(name, stored, walk(name, stored, tmp_path, 2, OTHERS[other]))
    assert max(found.values()) > 100 * TOLERANCES[1]
