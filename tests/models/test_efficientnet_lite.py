"""EfficientNet-Lite as a backbone: output strides, frozen norms, folded teachers, exports."""

import copy

import numpy as np
import onnxruntime
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from mmseg.apis import init_model
from mmseg.registry import DATASETS, MODELS
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg_dkd.cli.prepare.backbone import save_weights
from mmseg_dkd.engine.hand_over import build_teacher, describe
from mmseg_dkd.engine.resolve import at_step, step_config
from mmseg_dkd.export import export
from mmseg_dkd.models import EfficientNetLite
from mmseg_dkd.scenario import Scenario
from tests.models.life import DKD
from tests.models.test_fold import answers, count, disturbed
from tests.tiny import REPOSITORY, shrink

BASE = REPOSITORY / 'configs/_base_/models/aspp_efficientnet-lite2-d16.py'


@pytest.fixture(autouse=True)
def scope():
    """As in a run."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    """The file of pretrained weights: hardly anything of an image comes through random ones."""
    path = tmp_path_factory.mktemp('pretrained') / 'efficientnet_lite2.pth'
    save_weights('efficientnet_lite2', path)
    return path


@pytest.fixture
def cfg(weights):
    """The network of the configs as DKD learns it."""
    model = Config.fromfile(BASE).model
    model.data_preprocessor.size = (64, 64)
    model.backbone.init_cfg.checkpoint = str(weights)
    model.decode_head.update(copy.deepcopy(DKD))
    return model


def build(cfg, **more):
    torch.manual_seed(0)
    model = revert_sync_batchnorm(MODELS.build(at_step(ConfigDict(copy.deepcopy(cfg), **more), 0)))
    model.init_weights()
    disturbed(model.decode_head)
    return model.eval()


@pytest.mark.parametrize('stride, of', [(16, 32), (8, 16)])
@torch.no_grad()
def test_a_smaller_output_stride_computes_the_same_at_more_places(stride, of, weights):
    coarse, fine = EfficientNetLite(output_stride=of), EfficientNetLite(output_stride=stride)
    for network in (coarse, fine):
        network.load_state_dict(torch.load(weights, weights_only=True))
        network.eval()
    images = torch.randn(1, 3, 128, 192, generator=torch.Generator().manual_seed(0))
    expected, found = coarse(images)[-1], fine(images)[-1]
    assert found.shape[2:] == (128 // stride, 192 // stride)
    assert expected.std() > 0.1, 'a vanishing output would prove nothing'
    # Of an even size, TensorFlow pads the end: a stride of 2 takes the odd places.
    torch.testing.assert_close(found[..., 1::2, 1::2], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    'norm_cfg, eps', [(None, 1e-3), (dict(type='BN'), 1e-3), (dict(eps=0.1), 0.1)]
)
def test_norms_have_the_epsilon_of_the_weights_unless_told_otherwise(norm_cfg, eps):
    norms = [m for m in EfficientNetLite(norm_cfg=norm_cfg).modules() if isinstance(m, _BatchNorm)]
    assert len(norms) == 63 and {norm.eps for norm in norms} == {eps}


@pytest.mark.parametrize(
    'wrong, message',
    [
        (dict(output_stride=4), 'output_stride=4 must be 8, 16 or 32'),
        (dict(out_indices=(1, 7)), r'out_indices=\(1, 7\) must be stages 0 to 6'),
    ],
)
def test_what_it_cannot_be_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        EfficientNetLite(**wrong)


@pytest.mark.parametrize('channels_last', [False, True])
def test_a_folded_teacher_says_the_same(cfg, channels_last):
    cfg.channels_last = channels_last
    model = build(cfg)
    teacher = build_teacher(cfg, model.state_dict(), 0, torch.device('cpu'))
    assert count(model) > 63 and count(teacher) == 0
    expected = answers(model)
    assert (answers(teacher) - expected).abs().max() < 1e-4 * expected.abs().max()


def test_a_network_whose_activations_are_lost_is_not_taken_for_it(cfg):
    model = build(cfg)
    lost = copy.deepcopy(model)
    for module in lost.backbone.modules():
        if isinstance(module, torch.nn.ReLU6):
            module.forward = lambda x: x
    expected = answers(model)
    assert (answers(lost) - expected).abs().max() > 0.1 * expected.abs().max()


def test_frozen_norms_stay_as_they_are_in_training(cfg):
    model = build(cfg, freeze_norm=True).train()
    norms = {n: m for n, m in model.backbone.named_modules() if isinstance(m, _BatchNorm)}
    before = copy.deepcopy({n: m.state_dict() for n, m in norms.items()})
    assert model.backbone.training and not any(m.training for m in norms.values())
    sum(map_.sum() for map_ in model.extract_feat(torch.randn(2, 3, 64, 64))).backward()
    for name, norm in norms.items():
        assert norm.weight.grad is None and norm.bias.grad is None
        assert all(torch.equal(v, before[name][k]) for k, v in norm.state_dict().items())
    assert model.backbone.stem.conv.weight.grad.abs().sum() > 0


def test_channels_last_reaches_every_map(cfg):
    model = build(cfg, channels_last=True)
    for map_ in model.extract_feat(torch.randn(2, 3, 64, 96)):
        assert map_.is_contiguous(memory_format=torch.channels_last)


@pytest.fixture
def trained(scenes, weights, tmp_path):
    """Config and checkpoint of a step on the demo, with the pretrained backbone."""
    cfg = shrink(Config.fromfile(REPOSITORY / 'configs/dkd/fashion_4-2.py'), scenes)
    start = dict(type='Pretrained', checkpoint=str(weights))
    cfg.model.backbone = dict(type='EfficientNetLite', output_stride=16, init_cfg=start)
    cfg.model.decode_head.in_channels = 352
    cfg = step_config(cfg, 0)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    meta = dict(
        incremental=describe(Scenario(**cfg.scenario), 0),
        dataset_meta=DATASETS.build(cfg.test_dataloader.dataset).metainfo,
    )
    cfg.dump(tmp_path / 'lite.py')
    torch.save(dict(meta=meta, state_dict=model.state_dict()), tmp_path / 'lite.pth')
    return str(tmp_path / 'lite.py'), str(tmp_path / 'lite.pth')


def test_a_plain_model_takes_the_backbone_along(trained, tmp_path):
    config, checkpoint = trained
    (written,) = export(Config.fromfile(config), checkpoint, tmp_path / 'out')
    assert written.labels == 1 and written.difference < 1e-4
    exported = Config.fromfile(tmp_path / 'out/lite_step_0.py', import_custom_modules=False)
    assert exported.model.backbone.type == 'ExportedEfficientNetLite'
    assert 'dkd_efficientnet_lite' in exported.custom_imports.imports
    assert 'class EfficientNetLite' in (tmp_path / 'out/dkd_efficientnet_lite.py').read_text()


@pytest.mark.slow
def test_onnx_says_the_same_on_images_of_any_size(trained, tmp_path):
    config, checkpoint = trained
    (written,) = export(Config.fromfile(config), checkpoint, tmp_path / 'out', ['onnx'])
    assert written.labels == 1
    session = onnxruntime.InferenceSession(written.path, providers=['CPUExecutionProvider'])
    model = init_model(config, checkpoint, 'cpu')
    torch.manual_seed(0)
    for shape in ((1, 3, 64, 64), (2, 3, 65, 47), (1, 3, 96, 62)):
        images = torch.randn(shape)
        with torch.no_grad():
            expected = model.encode_decode(images, [dict(img_shape=images.shape[2:])]).numpy()
        (logits,) = session.run(['logits'], dict(images=images.numpy()))
        np.testing.assert_allclose(logits, expected, atol=1e-4)
