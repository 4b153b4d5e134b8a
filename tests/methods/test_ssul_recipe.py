"""SSUL's configs: what learns how fast, which step 0 is shared, the authors' network."""

import copy

import pytest
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS
from torch.nn.modules.dropout import _DropoutNd

from mmseg_dkd.engine.choices import choices_of
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs.recipe import first_step_of
from tests.configs.names import load
from tests.meta import on_meta


@pytest.mark.parametrize(
    ('name', 'lr'),
    [
        ('ssul/voc_15-1.py', (1e-3, 1e-2, 1e-2)),
        ('ssul_m/ade_100-10.py', (1e-3, 1e-2, 5e-2)),
        ('ssul/fashion_4-2.py', (0.01, 0.05, 0.02)),
    ],
)
def test_learning_rates(name, lr):
    backbone, head, later = lr
    for step in (0, 2):
        cfg = step_config(load(name), step)
        cfg.optim_wrapper.type = 'OptimWrapper'  # mixed precision wants a GPU
        with on_meta():
            model = MODELS.build(cfg.model)
        optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
        actual = {id(p): g['lr'] for g in optimizer.param_groups for p in g['params']}
        assert {g['weight_decay'] for g in optimizer.param_groups} == {1e-4}
        for key, parameter in model.named_parameters():
            if step == 0:
                expected = backbone if key.startswith('backbone') else head
            else:
                expected = later * (1e-4 if '.background.' in key else 1)
                expected = expected if parameter.requires_grad else None
            assert actual.get(id(parameter)) == pytest.approx(expected), key


def test_step_0_is_shared_unless_the_unknown_differs():
    plain, memory = (load(f'{name}/voc_15-1.py') for name in ('ssul', 'ssul_m'))
    other = copy.deepcopy(plain)
    other.model.decode_head.pseudo_threshold = 0.9
    assert first_step_of(plain) == first_step_of(memory) == first_step_of(other)
    other.model.decode_head.unknown = 'unlabelled'
    assert first_step_of(plain) != first_step_of(other)


@pytest.mark.parametrize(
    'name', ['ssul/voc_15-5.py', 'ssul_m/ade_100-10.py', 'ssul/fashion_4-2.py']
)
def test_dropout_and_prediction_are_those_of_the_program_but_on_the_demo(name):
    demo = 'fashion' in name
    for step in (0, 1):
        cfg = step_config(load(name), step)
        with on_meta():
            model = MODELS.build(cfg.model).train()
        dropouts = {m.training for m in model.modules() if isinstance(m, _DropoutNd)}
        assert dropouts == {step == 0 or not demo}
        chosen = choices_of(cfg)
        assert chosen.get('frozen_dropout', False) == (step == 1 and not demo)
        assert chosen['resized'] == ('scores' if demo else 'logits')


def test_network_is_that_of_the_authors():
    with on_meta():
        head = MODELS.build(step_config(load('ssul/voc_15-5.py'), 1).model).decode_head
    assert head.bottleneck[0].conv.kernel_size == (1, 1) and len(head.bottleneck) == 2
    for name, classes in dict(unknown=1, background=1, **{'steps.0': 15, 'steps.1': 5}).items():
        group = head.conv_seg.get_submodule(name)
        assert group[0].conv.weight.shape == (256, 256, 3, 3) and group[0].conv.bias is None
        assert group[1].weight.shape == (classes, 256, 1, 1)
