"""The official network's config against the outputs of the authors' own network."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS
from mmseg.utils import register_all_modules
from torch.nn.functional import interpolate
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.models.losses import decompose_logits
from mmseg_dkd.models.weights.official_names import (
    from_official,
    to_official,
    to_official_name,
    to_our_name,
)
from tests.oracle import ORACLE, fill

REPOSITORY = Path(__file__).parents[2]
CONFIG = REPOSITORY / 'configs' / '_base_' / 'models' / 'deeplabv3_r101-d16_official.py'


def build(num_classes: int) -> torch.nn.Module:
    register_all_modules()
    cfg = Config.fromfile(CONFIG).model
    cfg.type, cfg.decode_head.type = 'EncoderDecoder', cfg.decode_head.pop('base_type')
    cfg.backbone.init_cfg = None
    cfg.decode_head.num_classes = num_classes
    return revert_sync_batchnorm(MODELS.build(cfg))


def relative_error(actual: torch.Tensor, expected: np.ndarray) -> float:
    """Largest absolute difference over the largest expected magnitude."""
    assert actual.shape == expected.shape, f'shape {actual.shape}, expected {expected.shape}'
    return float(np.abs(actual.numpy() - expected).max() / np.abs(expected).max())


@pytest.fixture(scope='module')
def official_shapes() -> Mapping[str, list[int]]:
    return json.loads((ORACLE / 'official_state_dict.json').read_text())


@torch.no_grad()
def test_every_output_equals_the_official_network(official_shapes) -> None:
    oracle = np.load(ORACLE / 'official_forward.npz')
    register_all_modules()
    network = {name: fill(name, shape).float() for name, shape in official_shapes.items()}
    cfg = Config.fromfile(REPOSITORY / 'configs/dkd/voc_15-1.py')
    assert oracle['classes_per_step'].tolist() == [15, 1, 1], 'the oracle is of step 2 of 15-1'
    model = revert_sync_batchnorm(MODELS.build(step_config(cfg, 2).model)).eval()
    model.load_state_dict(from_official(network), strict=True)

    head = model.decode_head
    image = torch.from_numpy(oracle['image'])
    feature = head.feature(model.extract_feat(image))
    logits = torch.cat([head.conv_seg.auxiliary(feature), head.conv_seg(feature)], dim=1)
    weight = torch.cat([head.conv_seg.auxiliary.weight, *(s.weight for s in head.conv_seg.steps)])
    pos, neg = decompose_logits(feature, weight)
    outputs = dict(
        feature=feature,
        logits=interpolate(logits, image.shape[2:], mode='bilinear')[..., ::4, ::4],
        pos=pos[:, -oracle['pos'].shape[1] :],
        neg=neg[:, -oracle['neg'].shape[1] :],
    )
    for name, output in outputs.items():
        error = relative_error(output, oracle[name])
        assert error <= 1e-5, f'{name} is off by {error:.1e} of its maximum'


def test_names_go_there_and_back(official_shapes) -> None:
    state = {name: torch.rand(shape[:2]) for name, shape in official_shapes.items()}
    back = to_official(from_official(state))
    assert back.keys() == state.keys()
    for name, tensor in state.items():
        assert torch.equal(back[name], tensor), name


def test_training_settings_of_the_official_network() -> None:
    model = build(num_classes=3)
    momenta = {m.momentum for m in model.backbone.modules() if isinstance(m, _BatchNorm)}
    assert momenta == {0.01}, f'backbone BatchNorm momenta are {momenta}, expected 0.01 only'
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    assert not frozen, f'these parameters are frozen: {frozen}'
    assert not model.with_auxiliary_head, 'the official network has no auxiliary head'
    dropouts = {
        name: m.p
        for name, m in model.named_modules()
        if isinstance(m, (torch.nn.Dropout, torch.nn.Dropout2d))
    }
    assert dropouts == {'decode_head.bottleneck.1': 0.1}, f'dropout layers are {dropouts}'


@pytest.mark.parametrize(
    'name',
    [
        'cls.weight',
        'backbone.fc.weight',
        'aspp.convs.5.0.weight',
        'aspp.project.0.momentum',
        'module.backbone.conv1.weight',
    ],
)
def test_surplus_names_are_refused(name: str) -> None:
    for rename in (to_our_name, to_official_name):
        with pytest.raises(KeyError, match=name):
            rename(name)
    with pytest.raises(ValueError, match=name):
        from_official({name: torch.zeros(1)})


def test_image_pooling_moves_to_the_front_of_the_projection() -> None:
    branches = torch.arange(5.0).repeat_interleave(2).reshape(1, 10, 1, 1)
    converted = from_official({'aspp.project.0.weight': branches})
    order = converted['decode_head.bottleneck.0.conv.weight'].flatten().tolist()
    assert order == [4, 4, 0, 0, 1, 1, 2, 2, 3, 3], f'branch order is {order}'


def test_projection_of_uneven_branches_is_refused() -> None:
    with pytest.raises(ValueError, match='12 input channels'):
        from_official({'aspp.project.0.weight': torch.zeros(1, 12, 1, 1)})
