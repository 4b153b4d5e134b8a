"""DKD's configs, at every step: the network, the recipe, the parameter groups and the data."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import DATASETS, MODELS
from mmseg.structures import SegDataSample
from PIL import Image
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

import mmseg_dkd  # noqa: F401
from mmseg_dkd.datasets.demo.scenes import write_voc_like
from mmseg_dkd.engine.hand_over import build_teacher, start_state
from mmseg_dkd.engine.resolve import step_config
from tests.meta import on_meta

from .names import ALL, CONFIGS, DKD, all_steps, classes_of, load

NAMES = [name for name in ALL if name.split('/')[0] in DKD]
VOC = [name for name in NAMES if '/voc_' in name]
ADE = [name for name in NAMES if '/ade_' in name]
PAPER = """voc_19-1 voc_15-5 voc_15-1 voc_10-1 voc_5-3 voc_19-1_disjoint voc_15-5_disjoint
voc_15-1_disjoint ade_100-50 ade_100-10 ade_100-5 ade_50-50""".split()
ADAMW = [name for name in VOC + ADE if 'segformer' in name or 'swin' in name]
# Demos of other networks than the demo's own: they start from noise.
THIN = [
    f'dkd/fashion_4-2_{network}.py'
    for network in ('segformer', 'upernet-swin', 'deeplabv3plus', 'pspnet')
]


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def test_the_scenarios_of_the_paper_are_all_there():
    assert set(NAMES) >= {f'dkd/{name}.py' for name in PAPER}


@pytest.mark.parametrize('name', VOC + ADE)
def test_scenario_and_evaluation(name):
    cfg = load(name)
    ade = name in ADE
    setting = 'disjoint' if 'disjoint' in name else 'overlapped'
    assert cfg.scenario.get('setting', 'overlapped') == setting
    assert cfg.scenario.num_classes == (150 if ade else 20)
    assert cfg.scenario.get('has_background', True) is not ade
    loaders = cfg.train_dataloader, cfg.test_dataloader
    for part in (cfg.model.decode_head, *(loader.dataset for loader in loaders)):
        assert part.scenario == cfg.scenario
    assert cfg.test_evaluator.type == 'IncrementalIoUMetric'
    assert all(cfg.get(f'val_{part}') is None for part in ('dataloader', 'cfg', 'evaluator'))
    assert 4 * cfg.train_dataloader.batch_size == (24 if ade else 32)
    assert cfg.train_dataloader.drop_last
    assert cfg.train_dataloader.sampler == dict(type='DefaultSampler', shuffle=True)
    assert cfg.train_cfg == dict(type='EpochBasedTrainLoop', max_epochs=100 if ade else 60)
    assert cfg.log_processor.by_epoch and cfg.default_hooks.checkpoint.by_epoch


@pytest.mark.parametrize(
    'name', ['dkd/voc_15-5.py', 'dkd/ade_100-50.py', 'dkd/voc_15-5_stock-r101-d8.py']
)
def test_augmented_images_have_the_labels_of_the_plain_test(name, request):
    root = request.getfixturevalue('ade_tree' if name in ADE else 'voc_tree')
    cfg = step_config(load(name), 0).test_dataloader.dataset
    cfg.dataset.data_root = str(root)
    plain = DATASETS.build(cfg)
    cfg.pipeline = load(name).tta_pipeline
    augmented = DATASETS.build(cfg)
    expected = plain[0]['data_samples'].gt_sem_seg.data
    assert 0 in expected and expected.max() > 0
    samples = augmented[0]['data_samples']
    assert len(samples) == 12
    assert all(torch.equal(sample.gt_sem_seg.data, expected) for sample in samples)
    flips = [sample.flip for sample in samples]
    assert flips == 6 * [False, True] and len({sample.img_shape for sample in samples}) == 6


@pytest.mark.parametrize(('name', 'step'), all_steps(NAMES))
def test_network_of_every_step(name, step):
    cfg = step_config(load(name), step)
    with on_meta():
        model = MODELS.build(cfg.model)
    sizes = classes_of(name)
    shapes = {k: tuple(v.shape) for k, v in model.state_dict().items() if 'conv_seg' in k}
    weights, biases = {}, {}
    for head, module in model.incremental_heads.items():
        expected = {f'{head}.conv_seg.auxiliary': 1}
        expected |= {f'{head}.conv_seg.steps.{t}': sizes[t] for t in range(step + 1)}
        channels = cfg.model[head].channels
        weights |= {f'{key}.weight': (n, channels, 1, 1) for key, n in expected.items()}
        biases |= {f'{key}.bias': (n,) for key, n in expected.items()}
        assert module.num_classes == 1 + sum(sizes[: step + 1])
    assert shapes == weights | biases
    starts = [cfg.model.get('pretrained'), cfg.model.backbone.get('init_cfg')]
    from_scratch = step == 0 and 'start_from' not in cfg
    pretrained = from_scratch and name not in THIN
    assert (starts != [None, None]) == pretrained, f'pretrained weights at step {step}: {starts}'
    norms = [m for m in model.train().modules() if isinstance(m, _BatchNorm)]
    assert {m.training for m in norms} == {from_scratch}
    assert {p.requires_grad for m in norms for p in m.parameters()} == {from_scratch}
    if name in VOC + ADE:
        assert {m.training for m in model.modules() if isinstance(m, _DropoutNd)} == {step == 0}


@pytest.mark.parametrize(('name', 'step'), all_steps(VOC + ADE))
def test_recipe_of_every_step(name, step):
    cfg = step_config(load(name), step)
    ade, head = name in ADE, cfg.model.decode_head
    gamma = 35.0 if ade else 1.0 if step else 2.0
    assert head.loss_decode == dict(type='MultiBCELoss', pos_weight=gamma)
    method = name.split('/')[0]
    kd = None if method in ('finetune', 'joint') else dict(type='BinaryKDLoss', loss_weight=5.0)
    dkd = dict(type='DecomposedKDLoss', loss_weight=5.0)
    aux = dict(type='AuxiliaryLoss', loss_weight=1.0)
    assert head.loss_kd == kd
    assert head.loss_dkd == (dkd if method.startswith(('dkd', 'kd_dkd')) else None)
    assert head.loss_aux == (None if method == 'joint' else aux)
    assert head.init == ('auxiliary' if method.startswith(('dkd', 'kd_init')) else 'random')
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
    assert cfg.optim_wrapper.get('clip_grad') is None
    lr = (2.5e-3 if ade else 1e-3) * (0.1 if step else 1)
    optimizer = dict(type='SGD', lr=lr, momentum=0.9, nesterov=True, weight_decay=1e-4)
    if name in ADAMW:
        lr = 6e-6 if step else 6e-5
        optimizer = dict(type='AdamW', lr=lr, betas=(0.9, 0.999), weight_decay=0.01)
    assert cfg.optim_wrapper.optimizer == optimizer


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
        id(p): (g['lr'], g['weight_decay']) for g in optimizer.param_groups for p in g['params']
    }
    norms = {id(p) for m in model.modules() if isinstance(m, _BatchNorm) for p in m.parameters()}
    lr = cfg.optim_wrapper.optimizer.lr
    for key, parameter in model.named_parameters():
        decay = 1e-4 if step == 0 or f'conv_seg.steps.{step}' in key else 0.0
        expected = (lr if key.startswith('backbone.') else 10 * lr, decay)
        expected = None if step and id(parameter) in norms else expected
        assert actual.get(id(parameter)) == pytest.approx(expected), key
    assert len(optimizer.param_groups) == 2 + step
    assert {group['momentum'] for group in optimizer.param_groups} == {0.9}


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


@pytest.mark.parametrize('name', VOC + ADE)
def test_data_of_every_step(name, request):
    root = request.getfixturevalue('ade_tree' if name in ADE else 'voc_tree')
    cfg = Config.fromfile(CONFIGS / name)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        for part in loader.dataset.dataset.get('datasets', [loader.dataset.dataset]):
            # Serialising collects garbage, which takes longer than all the rest.
            part.update(data_root=str(root), serialize_data=False)
    for step, new in enumerate(classes_of(name)):
        seen = sum(classes_of(name)[: step + 1])
        resolved = step_config(cfg, step)
        train = DATASETS.build(resolved.train_dataloader.dataset)
        assert len(train.metainfo['classes']) == 1 + seen
        sample = train[0]
        label = sample['data_samples'].gt_sem_seg.data
        assert sample['inputs'].shape == (3, 512, 512) and label.shape == (1, 512, 512)
        assert set(np.unique(label)) <= {0, 255, *range(seen - new + 1, seen + 1)}
        test = DATASETS.build(resolved.test_dataloader.dataset)
        raw = np.array(Image.open(test.get_data_info(0)['seg_map_path']))
        expected = np.where((raw <= seen) | (raw == 255), raw, 255 if name in ADE else 0)
        np.testing.assert_array_equal(test[0]['data_samples'].gt_sem_seg.data[0], expected)


def test_official_network_learns_from_its_teacher():
    torch.manual_seed(0)
    cfg = load('dkd/voc_15-5.py')
    first = revert_sync_batchnorm(MODELS.build(step_config(cfg, 0).model)).state_dict()
    model_cfg = step_config(cfg, 1).model
    model = revert_sync_batchnorm(MODELS.build(model_cfg))
    model.load_state_dict(start_state(first, model))
    model.set_teacher(build_teacher(model_cfg, first, 0, torch.device('cpu')))
    samples = [SegDataSample(), SegDataSample()]
    for sample in samples:
        sample.gt_sem_seg = PixelData(data=torch.randint(0, 21, (1, 65, 65)))
    losses = model.train().loss(torch.randn(2, 3, 65, 65), samples)
    assert set(losses) == {f'decode.loss_{term}' for term in ('mbce', 'kd', 'dkd', 'ac')}
    sum(losses.values()).backward()
    assert all(torch.isfinite(loss) for loss in losses.values())
    trained = {key for key, p in model.named_parameters() if p.grad is not None}
    assert trained == {key for key, p in model.named_parameters() if p.requires_grad}
    assert all(p.grad is None for p in model.teacher.parameters())
