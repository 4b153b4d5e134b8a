"""Pretrained weights: found, of this backbone, and in the model when training starts."""

import sys

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.models.weights import pretrained
from mmseg_dkd.runs import Run
from mmseg_dkd.utils import checkpoint_sources
from tests.tiny import REPOSITORY

URL = 'https://download.pytorch.org/models/resnet101-63fe2227.pth'
V1C = dict(type='ResNetV1c', depth=18, base_channels=8, stem_channels=8, norm_cfg=dict(type='BN'))


@pytest.fixture(autouse=True)
def asked(monkeypatch, tmp_path):
    """No network and an empty cache; the URLs that were asked for."""
    urls = []
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch'))
    monkeypatch.setenv('MMENGINE_HOME', str(tmp_path / 'mmengine'))
    monkeypatch.setattr(pretrained, 'unreachable', lambda url: urls.append(url) or 'offline')
    init_default_scope('mmseg')
    return urls


def model_of(name: str, **changes) -> dict:
    """``model`` of step 0 of a config, with keys such as ``model.pretrained`` set."""
    cfg = Config.fromfile(REPOSITORY / name)
    cfg.merge_from_dict({f'model.{key}': value for key, value in changes.items()})
    return step_config(cfg, 0).model


def official(**init) -> dict:
    return model_of(
        'configs/dkd/voc_15-5.py', **{f'backbone.init_cfg.{k}': v for k, v in init.items()}
    )


def tiny_model(backbone=None, **init) -> dict:
    cfg = model_of('tests/data/voc_15-1_tiny.py')
    cfg.backbone = Config(backbone or dict(cfg.backbone, norm_cfg=dict(type='BN')))._cfg_dict
    cfg.decode_head.norm_cfg = dict(type='BN')
    if init:
        cfg.backbone.init_cfg = dict(type='Pretrained', **init)
    return cfg


def shapes_of(backbone) -> dict:
    with torch.device('meta'):
        return {k: v.shape for k, v in MODELS.build(backbone).state_dict().items()}


def as_released(backbone) -> dict:
    """A file of an image classifier from before BatchNorm counted; no memory."""
    state = {
        name: torch.zeros(()).expand(shape)
        for name, shape in shapes_of(backbone).items()
        if not name.endswith('num_batches_tracked')
    }
    return state | {'fc.weight': torch.zeros(()).expand(1000, 2048)}


def saved(content, path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)
    return str(path)


@pytest.fixture
def resnet101():
    """Names and shapes of torchvision's ResNet-101."""
    state = as_released(dict(type='ResNet', depth=101))
    assert len(state) == 104 * 5 + 1
    assert state['conv1.weight'].shape == (64, 3, 7, 7)
    assert state['layer3.22.bn2.running_var'].shape == (256,)
    assert state['layer4.0.downsample.0.weight'].shape == (2048, 1024, 1, 1)
    return state


def test_torchvisions_file_fits_the_official_network(resnet101, tmp_path, asked):
    path = saved(resnet101, tmp_path / 'weights.pth')
    assert pretrained.problems(official(checkpoint=path)) == []
    saved(resnet101, tmp_path / 'torch/hub/checkpoints/resnet101-63fe2227.pth')
    assert pretrained.problems(official()) == [] and not asked


def test_files_of_mmseg_fit_its_own_network(tmp_path, asked):
    name = 'configs/dkd/voc_15-5_stock-r101-d8.py'
    state = as_released(dict(type='ResNetV1c', depth=101))
    assert state['stem.0.weight'].shape == (32, 3, 3, 3)
    path = saved(dict(state_dict=state, meta={}), tmp_path / 'weights.pth')
    assert pretrained.problems(model_of(name, pretrained=path)) == []
    saved(state, tmp_path / 'torch/hub/checkpoints/resnet101_v1c-e67eebb6.pth')
    assert pretrained.problems(model_of(name)) == [] and not asked
    segmentor = {f'backbone.{key}': tensor for key, tensor in state.items()}
    path = saved(dict(state_dict=segmentor), tmp_path / 'segmentor.pth')
    init = dict(type='Pretrained', checkpoint=path, prefix='backbone')
    cfg = model_of(name, pretrained=None, **{'backbone.init_cfg': init})
    assert pretrained.problems(cfg) == []
    (problem,) = pretrained.problems(model_of(name, pretrained=path))
    assert "needs prefix='backbone'" in problem and 'model.pretrained=PATH' in problem


def test_weights_of_another_network_are_counted_and_named(resnet101, tmp_path):
    path = saved(as_released(dict(type='ResNet', depth=50)), tmp_path / 'r50.pth')
    (problem,) = pretrained.problems(official(checkpoint=path))
    assert f'{path} does not fit ResNet in 255 tensors: layer3.6.conv1.weight: missing' in problem
    assert problem.count(': missing') == 5 and ', ...; give a local file' in problem
    assert problem.endswith('--cfg-options model.backbone.init_cfg.checkpoint=PATH')
    resnet101['bn1.running_var'] = torch.ones(32)
    path = saved(dict(state_dict=resnet101), tmp_path / 'weights.pth')
    (problem,) = pretrained.problems(official(checkpoint=path))
    assert 'in 1 tensors: bn1.running_var: (32,) instead of (64,);' in problem


CASES = dict(
    plain=lambda state: state,
    state_dict=lambda state: dict(state_dict=state, meta=dict(epoch=1)),
    distributed=lambda state: {f'module.{k}': v for k, v in state.items()},
    prefix=lambda state: dict(state_dict={f'backbone.{k}': v for k, v in state.items()}),
)


def values_for(cfg) -> dict:
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.rand(shape, generator=generator)
        for name, shape in shapes_of(cfg.backbone).items()
        if not name.endswith('num_batches_tracked')
    }


def check_loaded(cfg, expected) -> None:
    """The check is content, and the model starts with the very values."""
    assert pretrained.problems(cfg) == []
    model = MODELS.build(cfg)
    model.init_weights()
    loaded = model.backbone.state_dict()
    assert len(expected) > 90
    for name, value in expected.items():
        assert torch.equal(loaded[name], value), name


@pytest.mark.parametrize('case', CASES)
def test_weights_given_by_path_are_in_the_model(case, tmp_path):
    values = values_for(tiny_model())
    path = saved(CASES[case](values), tmp_path / 'weights.pth')
    prefix = dict(prefix='backbone') if case == 'prefix' else {}
    check_loaded(tiny_model(checkpoint=path, **prefix), values)


def test_weights_of_a_whole_segmentor_are_in_the_model(tmp_path):
    values = values_for(tiny_model())
    cfg = tiny_model()
    cfg.init_cfg = dict(
        type='Pretrained', checkpoint=saved(CASES['prefix'](values), tmp_path / 'weights.pth')
    )
    check_loaded(cfg, values)
    cfg.init_cfg.checkpoint = saved(values, tmp_path / 'backbone.pth')
    assert 'missing' in pretrained.problems(cfg)[0]


@pytest.mark.parametrize(
    'name, file',
    [
        (URL, 'resnet101-63fe2227.pth'),
        ('open-mmlab://resnet18_v1c', 'resnet18_v1c-b5776b93.pth'),
        ('mmcls://resnet18', 'resnet18_8xb32_in1k_20210831-fbbb1da6.pth'),
    ],
)
def test_weights_in_torch_hubs_cache_are_in_the_model(name, file, tmp_path, asked):
    cfg = tiny_model(V1C)
    values = values_for(cfg)
    case = 'prefix' if name.startswith('mmcls') else 'plain'
    saved(CASES[case](values), tmp_path / 'torch/hub/checkpoints' / file)
    cfg.pretrained = name
    check_loaded(cfg, values)
    assert not asked


@pytest.mark.parametrize(
    'content, words',
    [
        (b'<!DOCTYPE html>', 'weights.pth is no checkpoint that can be trusted'),
        (b'', 'weights.pth is no checkpoint that can be trusted'),
        (b'PK\x03\x04cut off', 'weights.pth is no checkpoint that can be trusted'),
        ([1, 2], 'weights.pth holds no weights but a list'),
        (dict(state_dict=[1]), 'weights.pth holds no weights but a dict'),
        (dict(meta=1), 'conv1.weight: missing'),
        (dict(code=print), 'weights.pth is no checkpoint that can be trusted'),
        (None, 'weights.pth: no such file of pretrained weights'),
    ],
)
def test_file_without_weights(content, words, tmp_path):
    path = tmp_path / 'weights.pth'
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        saved(content, path)
    (problem,) = pretrained.problems(tiny_model(checkpoint=str(path)))
    assert words in problem, problem
    assert problem.endswith('--cfg-options model.backbone.init_cfg.checkpoint=PATH')


def test_url_out_of_reach_is_named_once_and_nothing_is_trained(tiny, tmp_path, asked):
    cfg = tiny()
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=URL)
    with pytest.raises(RuntimeError) as caught:
        Run(cfg, tmp_path / 'run').run([0, 1, 2])
    assert str(caught.value) == (
        f'nothing was trained:\nstep 0: {URL} cannot be downloaded (offline) and is not at '
        f'{tmp_path}/torch/hub/checkpoints/resnet101-63fe2227.pth; give a local file that fits by '
        '--cfg-options model.backbone.init_cfg.checkpoint=PATH'
    )
    assert asked == [URL] and not (tmp_path / 'run').exists()


def test_url_within_reach_is_no_problem(monkeypatch):
    monkeypatch.setattr(pretrained, 'unreachable', lambda url: '')
    assert pretrained.problems(official()) == []


def test_names_of_model_zoos(monkeypatch, asked):
    (problem,) = pretrained.problems(model_of('configs/dkd/voc_15-5_stock-r101-d8.py'))
    assert problem.startswith('open-mmlab://resnet101_v1c, https://')
    assert problem.endswith('--cfg-options model.pretrained=PATH')
    assert asked[0].endswith('/resnet101_v1c-e67eebb6.pth')
    (problem,) = pretrained.problems(tiny_model(checkpoint='open-mmlab://resnet5'))
    assert 'open-mmlab://resnet5: mmengine knows no such weights' in problem
    monkeypatch.setitem(sys.modules, 'torchvision', None)
    (problem,) = pretrained.problems(tiny_model(checkpoint='torchvision://resnet101'))
    assert 'torchvision://resnet101 needs torchvision: pip install torchvision' in problem
    monkeypatch.setitem(checkpoint_sources.ZOOS, 'torchvision', lambda: dict(resnet101=URL))
    (problem,) = pretrained.problems(tiny_model(checkpoint='torchvision://resnet101'))
    assert f'torchvision://resnet101, {URL}, cannot be downloaded (offline)' in problem


def test_addresses_that_nothing_is_read_from(asked):
    for name in ('pavi://weights.pth', 'ftp://host/weights.pth'):
        (problem,) = pretrained.problems(tiny_model(checkpoint=name))
        assert problem.startswith(f'{name}: checkpoints are read from files, http, https, s3')
        assert problem.endswith('--cfg-options model.backbone.init_cfg.checkpoint=PATH')
    assert pretrained.problems(tiny_model(checkpoint='s3://bucket/weights.pth')) == [] and not asked


def test_backbones_that_load_by_rules_of_their_own_are_not_compared(tmp_path):
    path = saved(dict(model={}), tmp_path / 'weights.pth')
    cfg = tiny_model(dict(type='SwinTransformer'), checkpoint=path)
    assert pretrained.problems(cfg) == []
    cfg.backbone.init_cfg.checkpoint = 'nowhere.pth'
    assert 'nowhere.pth' in pretrained.problems(cfg)[0]
