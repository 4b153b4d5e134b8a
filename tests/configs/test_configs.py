"""Every config, at every step: the network, the recipe, the parameter groups and the data."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope
from mmseg.registry import DATASETS, MODELS
from mmseg.structures import SegDataSample
from PIL import Image
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

import mmseg_dkd  # noqa: F401
from mmseg_dkd.datasets.demo.scenes import write_voc_like
from mmseg_dkd.engine import Sequence, step_config
from mmseg_dkd.engine.hand_over import build_teacher, grow

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGS = REPOSITORY / 'configs'
NAMES = sorted(
    str(path.relative_to(CONFIGS))
    for method in ('dkd', 'kd', 'finetune', 'joint')
    for path in (CONFIGS / method).glob('*.py')
)
VOC = [name for name in NAMES if '/voc_' in name]
ADE = [name for name in NAMES if '/ade_' in name]
CLASSES = {
    '4-2': [4, 2, 2],
    '4-1': [4, 1, 1, 1, 1],
    'joint': [8],
    '19-1': [19, 1],
    '15-5': [15, 5],
    '15-1': [15, 1, 1, 1, 1, 1],
    '10-1': [10] + 10 * [1],
    '5-3': [5, 3, 3, 3, 3, 3],
    '100-50': [100, 50],
    '100-10': [100] + 5 * [10],
    '100-5': [100] + 10 * [5],
    '50-50': [50, 50, 50],
}


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


@cache
def load(name: str) -> Config:
    return Config.fromfile(CONFIGS / name)


def classes_of(name: str) -> list[int]:
    scenario = re.search(r'_(\d+-\d+)', name)
    return CLASSES[scenario[1] if scenario else 'joint']


def all_steps(names: list[str]) -> list[tuple[str, int]]:
    return [(name, step) for name in names for step in range(len(classes_of(name)))]


def with_data_root(name: str, root: Path) -> Config:
    cfg = Config.fromfile(CONFIGS / name)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        for part in loader.dataset.dataset.get('datasets', [loader.dataset.dataset]):
            part.data_root = str(root)
    return cfg


def test_the_scenarios_of_the_paper_are_all_there():
    voc = {'19-1', '15-5', '15-1', '10-1', '5-3'}
    expected = {f'dkd/voc_{n}.py' for n in voc}
    expected |= {f'dkd/voc_{n}_disjoint.py' for n in ('19-1', '15-5', '15-1')}
    expected |= {f'dkd/ade_{n}.py' for n in ('100-50', '100-10', '100-5', '50-50')}
    assert not expected - set(NAMES)


@pytest.mark.parametrize('name', NAMES)
def test_header_names_the_command_that_runs_the_config(name):
    text = (CONFIGS / name).read_text()
    header = text[: text.index('_base_')]
    commands = [line[4:].split() for line in header.splitlines() if line.startswith('#   ')]
    runs = [words for words in commands if f'configs/{name}' in words]
    assert len(runs) == 1, f'no command runs configs/{name}'
    tools = [word for words in commands for word in words if word.startswith('tools/')]
    own = [tool for tool in tools if not tool.startswith('tools/dataset_converters/')]
    assert own and all((REPOSITORY / tool).is_file() for tool in own)
    assert re.findall(r'configs/\w+/[\w.-]+\.py', ' '.join(runs[0])) == [f'configs/{name}']


@pytest.mark.parametrize('name', VOC + ADE)
def test_scenario_and_evaluation(name):
    cfg = load(name)
    ade = name in ADE
    assert cfg.scenario.get('setting', 'overlapped') == (
        'disjoint' if 'disjoint' in name else 'overlapped'
    )
    assert cfg.scenario.num_classes == (150 if ade else 20)
    assert cfg.scenario.get('has_background', True) is not ade
    for part in (
        cfg.model.decode_head, cfg.train_dataloader.dataset, cfg.test_dataloader.dataset
    ):  # fmt: skip
        assert part.scenario == cfg.scenario
    assert cfg.test_evaluator.type == 'IncrementalIoUMetric'
    assert all(cfg.get(f'val_{part}') is None for part in ('dataloader', 'cfg', 'evaluator'))
    assert 4 * cfg.train_dataloader.batch_size == (24 if ade else 32)
    assert cfg.train_dataloader.drop_last
    assert cfg.train_dataloader.sampler == dict(type='DefaultSampler', shuffle=True)
    assert cfg.train_cfg == dict(type='EpochBasedTrainLoop', max_epochs=100 if ade else 60)
    assert cfg.log_processor.by_epoch and cfg.default_hooks.checkpoint.by_epoch


@pytest.mark.parametrize(('name', 'step'), all_steps(NAMES))
def test_network_of_every_step(name, step, tmp_path):
    cfg = step_config(load(name), step)
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    sizes = classes_of(name)
    shapes = {k: tuple(v.shape) for k, v in model.state_dict().items() if 'conv_seg' in k}
    channels = cfg.model.decode_head.channels
    expected = {'decode_head.conv_seg.auxiliary': 1}
    expected |= {f'decode_head.conv_seg.steps.{t}': sizes[t] for t in range(step + 1)}
    assert shapes == {
        **{f'{key}.weight': (n, channels, 1, 1) for key, n in expected.items()},
        **{f'{key}.bias': (n,) for key, n in expected.items()},
    }
    assert model.decode_head.num_classes == 1 + sum(sizes[: step + 1])
    starts = [cfg.model.get('pretrained'), cfg.model.backbone.get('init_cfg')]
    assert (starts != [None, None]) == (step == 0), f'pretrained weights at step {step}: {starts}'


@pytest.mark.parametrize(('name', 'step'), all_steps(VOC + ADE))
def test_recipe_of_every_step(name, step):
    cfg = step_config(load(name), step)
    ade, head = name in ADE, cfg.model.decode_head
    assert head.loss_decode == dict(
        type='MultiBCELoss', pos_weight=35.0 if ade else 1.0 if step else 2.0
    )
    kd = None if 'finetune' in name else dict(type='BinaryKDLoss', loss_weight=5.0)
    dkd, aux = dict(type='DecomposedKDLoss', loss_weight=5.0), dict(type='AuxiliaryLoss')
    if not name.startswith('dkd'):
        dkd = aux = None
    assert head.loss_kd == kd and head.loss_dkd == dkd
    assert head.loss_aux == (aux and dict(aux, loss_weight=1.0))
    assert head.init == ('auxiliary' if name.startswith('dkd') else 'random')
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    assert cfg.optim_wrapper.get('clip_grad') is None
    assert cfg.optim_wrapper.optimizer == dict(
        type='SGD',
        lr=(2.5e-3 if ade else 1e-3) * (0.1 if step else 1),
        momentum=0.9,
        nesterov=True,
        weight_decay=1e-4,
    )
    with torch.device('meta'):
        model = MODELS.build(cfg.model).train()
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    assert {m.training for m in norms} == {step == 0}
    assert {p.requires_grad for m in norms for p in m.parameters()} == {step == 0}
    assert {m.training for m in model.modules() if isinstance(m, _DropoutNd)} == {step == 0}


@pytest.mark.parametrize('step', [0, 1])
@pytest.mark.parametrize('name', ['dkd/voc_15-5.py', 'dkd/ade_100-50.py'])
def test_parameter_groups(name, step, tmp_path):
    cfg = step_config(load(name), step)
    cfg.dump(tmp_path / 'step.py')
    cfg = Config.fromfile(tmp_path / 'step.py')  # as mmseg's tools read it
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    cfg.optim_wrapper.type = 'OptimWrapper'  # mixed precision wants a GPU
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    actual = {
        id(p): (group['lr'], group['weight_decay'])
        for group in optimizer.param_groups
        for p in group['params']
    }
    norms = {id(p) for m in model.modules() if isinstance(m, _BatchNorm) for p in m.parameters()}
    lr = cfg.optim_wrapper.optimizer.lr
    for key, parameter in model.named_parameters():
        decay = 1e-4 if step == 0 or f'conv_seg.steps.{step}' in key else 0.0
        expected = (lr if key.startswith('backbone.') else 10 * lr, decay)
        if step and id(parameter) in norms:
            expected = None
        assert actual.get(id(parameter)) == pytest.approx(expected), key
    assert len(optimizer.param_groups) == 2 + step
    assert {group['momentum'] for group in optimizer.param_groups} == {0.9}


@pytest.mark.parametrize(('name', 'warm', 'epochs'), [(VOC[0], 0, 60), (ADE[0], 20, 100)])
def test_learning_rate_curve(name, warm, epochs):
    length = 7
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedulers = [
        PARAM_SCHEDULERS.build(cfg, default_args=dict(optimizer=optimizer, epoch_length=length))
        for cfg in load(name).param_scheduler
    ]
    actual = []
    for _ in range(epochs * length):
        actual.append(optimizer.param_groups[0]['lr'])
        for scheduler in schedulers:
            scheduler.step()
    # mmengine reaches the end of either part with its last iteration, not one behind it.
    warm_up = 1e-3 + (1 - 1e-3) * np.linspace(0, 1, warm * length)
    poly = (1 - np.linspace(0, 1, (epochs - warm) * length)) ** 0.9
    np.testing.assert_allclose(actual, np.concatenate([warm_up, poly]), atol=1e-9)


@pytest.fixture(scope='session')
def voc_tree(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('voc') / 'VOC2012'
    write_voc_like(root, train=120, size=(96, 128))
    return root


@pytest.fixture(scope='session')
def ade_tree(tmp_path_factory) -> Path:
    """Five images a split; image k shows every class c with c % 5 == k, and unlabelled pixels."""
    root = tmp_path_factory.mktemp('ade')
    for split in ('training', 'validation'):
        for folder in ('images', 'annotations'):
            (root / folder / split).mkdir(parents=True)
        for k in range(5):
            classes = [0, *(c for c in range(1, 151) if c % 5 == k)]
            mask = np.repeat(np.repeat(np.uint8([classes]), 2, axis=1), 40, axis=0)
            Image.fromarray(mask).save(root / 'annotations' / split / f'{k}.png')
            Image.fromarray(np.stack(3 * [mask], -1)).save(root / 'images' / split / f'{k}.jpg')
    return root


def check_data(cfg: Config, step: int, sizes: list[int]) -> None:
    cfg = step_config(cfg, step)
    old, seen = sum(sizes[:step]), sum(sizes[: step + 1])
    train = DATASETS.build(cfg.train_dataloader.dataset)
    assert len(train.metainfo['classes']) == 1 + seen
    sample = train[0]
    label = sample['data_samples'].gt_sem_seg.data
    assert sample['inputs'].shape == (3, 512, 512) and label.shape == (1, 512, 512)
    assert set(label.unique().tolist()) <= {0, 255, *range(old + 1, seen + 1)}
    test = DATASETS.build(cfg.test_dataloader.dataset)
    sample = test[0]
    raw = np.array(Image.open(test.get_data_info(0)['seg_map_path']))
    future = 0 if cfg.scenario.get('has_background', True) else 255
    expected = np.where((raw <= seen) | (raw == 255), raw, future)
    np.testing.assert_array_equal(sample['data_samples'].gt_sem_seg.data[0], expected)
    assert sample['inputs'].shape[1] == 512 or sample['inputs'].shape[2] == 512


@pytest.mark.parametrize('name', VOC)
def test_voc_data_of_every_step(name, voc_tree):
    cfg = with_data_root(name, voc_tree)
    for step in range(len(classes_of(name))):
        check_data(cfg, step, classes_of(name))


@pytest.mark.parametrize('name', ADE)
def test_ade_data_of_every_step(name, ade_tree):
    cfg = with_data_root(name, ade_tree)
    for step in range(len(classes_of(name))):
        check_data(cfg, step, classes_of(name))


def test_official_network_learns_from_its_teacher():
    torch.manual_seed(0)
    device = torch.device('cpu')
    cfg = load('dkd/voc_15-5.py')
    first = revert_sync_batchnorm(MODELS.build(step_config(cfg, 0).model)).state_dict()
    model_cfg = step_config(cfg, 1).model
    model = revert_sync_batchnorm(MODELS.build(model_cfg))
    model.load_state_dict(grow(first, model.state_dict(), 1, 'auxiliary'))
    model.set_teacher(build_teacher(model_cfg, first, 0, device))
    samples = [SegDataSample(gt_sem_seg=dict(data=torch.randint(0, 21, (1, 65, 65)))) for _ in '12']
    losses = model.train().loss(torch.randn(2, 3, 65, 65), samples)
    assert set(losses) == {f'decode.loss_{term}' for term in ('mbce', 'kd', 'dkd', 'ac')}
    sum(losses.values()).backward()
    assert all(torch.isfinite(loss) for loss in losses.values())
    trained = {key for key, p in model.named_parameters() if p.grad is not None}
    assert trained == {key for key, p in model.named_parameters() if p.requires_grad}
    assert all(p.grad is None for p in model.teacher.parameters())
