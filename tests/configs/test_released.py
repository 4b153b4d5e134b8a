"""Where papers are silent: what the configs take from the released programs of other methods."""

import pytest
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from mmseg_dkd.engine.choices import choices_of
from mmseg_dkd.engine.resolve import step_config
from tests.meta import on_meta
from tests.oracle import case

from .names import load

FAMILY = ('finetune', 'mib', 'plop', 'rcil', 'sdr')
SETS = ('voc_15-5', 'ade_100-50')


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


@pytest.mark.parametrize('data', SETS)
@pytest.mark.parametrize('method', FAMILY)
def test_network_of_mib_and_what_is_built_on_it(method, data):
    momentum = 0.1
    if method == 'sdr':
        momentum = case('sdr', 'norm_momentum')['program_backbone_momentum'].item()
    for step in (0, 1):
        cfg = step_config(load(f'{method}/{data}.py'), step)
        with on_meta():
            model = MODELS.build(cfg.model)
        norms = [m for m in model.backbone.modules() if isinstance(m, _BatchNorm)]
        assert {norm.momentum for norm in norms} == {momentum}
        norms = [m for m in model.decode_head.modules() if isinstance(m, _BatchNorm)]
        assert {norm.momentum for norm in norms} == {0.1}
        assert {m.p for m in model.modules() if isinstance(m, _DropoutNd)} <= {0.0}
        chosen = choices_of(cfg)
        assert (chosen['norm_momentum'], chosen['projection_dropout']) == (momentum, 0.0)


@pytest.mark.parametrize(
    ('name', 'std'),
    [(f'{method}/voc_15-5.py', 0.036) for method in FAMILY]
    + [(f'{method}/voc_15-5.py', 0.088) for method in ('dkd', 'ssul', 'ssul_m')],
)
def test_fresh_classifiers_are_drawn_as_wide(name, std):
    cfg = step_config(load(name), 0)
    head = MODELS.build(cfg.model.decode_head)
    head.init_weights()
    drawn = [v for k, v in head.conv_seg.steps.named_parameters() if v.shape[2:] == (1, 1)]
    # Of at least 3,840 numbers.
    assert sum(w.std().item() for w in drawn) / len(drawn) == pytest.approx(std, rel=0.06)
    assert choices_of(cfg)['classifier_std'] == std
