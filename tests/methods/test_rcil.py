"""RCIL over the steps: what is handed over, what is frozen, and what the head adds to MiB."""

import copy
import math

import pytest
import torch
from mmengine.model import revert_sync_batchnorm
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch.nn.functional import interpolate

from mmseg_dkd.engine.hand_over import build_teacher, start_state
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.methods.mib import unbiased_cross_entropy, unbiased_distillation
from mmseg_dkd.methods.rcil import RCILHead
from mmseg_dkd.methods.rcil.pairs import fold
from mmseg_dkd.methods.rcil.pooled_cube import old_channels, pooled_cube_loss
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.recipe import first_step_of
from mmseg_dkd.utils import checkpoint_types
from tests.configs.names import load
from tests.oracle import case

HEAD = 'decode_head.conv_seg'


@pytest.fixture
def steps(tiny):
    """Student of step 1, its teacher, and the teacher's state dict."""
    cfg = tiny('rcil/fashion_4-2.py')
    torch.manual_seed(0)
    first = MODELS.build(step_config(cfg, 0).model)
    state = first.state_dict()
    for value in state.values():
        if value.is_floating_point():
            # Branches that differ, and classifiers that say something.
            value.add_(0.1 * torch.rand_like(value))
    model_cfg = step_config(cfg, 1).model
    student = revert_sync_batchnorm(MODELS.build(copy.deepcopy(model_cfg)))
    student.load_state_dict(start_state(state, student), strict=True)
    teacher = build_teacher(model_cfg, state, 0, torch.device('cpu'))
    student.set_teacher(teacher)
    return student, teacher, state


def batch() -> tuple[torch.Tensor, list[SegDataSample]]:
    label = torch.tensor([0, 5, 6, 255])[torch.randint(4, (2, 1, 64, 64))]
    return torch.randn(2, 3, 64, 64), [SegDataSample(gt_sem_seg=PixelData(data=x)) for x in label]


def test_classifiers_start_with_the_weight_of_the_background_alone(steps):
    student, _, state = steps
    grown, fresh = student.state_dict(), f'{HEAD}.steps.1'
    background = state[f'{HEAD}.background.weight']
    assert torch.equal(grown[f'{fresh}.weight'], background.expand(2, -1, -1, -1))
    assert torch.equal(grown[f'{HEAD}.background.weight'], background)
    for old in ('background.bias', 'steps.0.weight', 'steps.0.bias'):
        assert torch.equal(grown[f'{HEAD}.{old}'], state[f'{HEAD}.{old}']), old
    assert not torch.equal(grown[f'{fresh}.bias'], state[f'{HEAD}.background.bias'].expand(2))


def test_frozen_branches_alone_answer_like_the_teacher(steps):
    student, teacher, _ = steps
    state = student.state_dict()
    alone = {k: state[k.replace('.trained.', '.frozen.')] for k in state}
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        maps, own = teacher.extract_feat(x), student.eval().extract_feat(x)
        assert not torch.allclose(own[-1], maps[-1], rtol=1e-3)
        student.load_state_dict(alone)
        for found, expected in zip(student.extract_feat(x), maps, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        feature = student.decode_head.feature(maps)
        torch.testing.assert_close(feature, teacher.decode_head.feature(maps), rtol=1e-4, atol=1e-5)


def test_terms_of_a_step(steps):
    student, teacher, _ = steps
    head, (images, samples) = student.eval().decode_head, batch()
    label = torch.stack([s.gt_sem_seg.data[0] for s in samples])
    losses = student.loss(images, samples)
    assert set(losses) == {f'decode.loss_{term}' for term in ('ce', 'kd', 'pckd')}
    with torch.no_grad():
        maps, old_maps = (m.extract_feat(images) for m in (student, teacher))
        features = head.feature(maps), teacher.decode_head.feature(old_maps)
        logits, old_logits = head.prediction_of(features[0]), teacher.decode_head(old_maps)
        large, old_large = (
            torch.nn.functional.interpolate(z, (64, 64), mode='bilinear')
            for z in (logits, old_logits)
        )
        expected = dict(
            ce=unbiased_cross_entropy(large, label, 4),
            kd=100 * unbiased_distillation(large, old_large),
            pckd=math.sqrt(7 / 2)
            * pooled_cube_loss(
                [*maps, features[0], old_channels(logits, 5)],
                [*old_maps, features[1], old_logits],
                (4, 8, 12, 16, 20, 24),
                0.01,
                5e-4,
            ),
        )
    for term, value in expected.items():
        torch.testing.assert_close(losses[f'decode.loss_{term}'].detach(), value)
        assert value > 0


@pytest.mark.parametrize('name', ['voc15_5', 'ade100_50'])
def test_total_and_gradients_are_those_of_the_program(name):
    known = case('rcil', f'total_{name}')
    channels, known_before = (int(known[f'num_channels_{kind}']) for kind in ('all', 'old'))
    maps = [known[f'map_new_{i}'] for i in range(4)]
    inputs = [m.requires_grad_() for m in [*maps, known['feature_new']]]
    logits, told = (
        torch.einsum('kd,ndhw->nkhw', known[f'weight_{of}'], known[f'feature_{of}'])
        + known[f'bias_{of}'][:, None, None]
        for of in ('new', 'old')
    )
    at_label = [interpolate(z, known['label'].shape[1:], mode='bilinear') for z in (logits, told)]
    pckd = pooled_cube_loss(
        [*inputs, old_channels(logits, known_before)],
        [*(known[f'map_old_{i}'] for i in range(4)), known['feature_old'], told],
        (4, 8, 12, 16, 20, 24),
        known['pckd_weight'],
        known['pckd_last_weight'],
    )
    total = unbiased_cross_entropy(at_label[0], known['label'], known_before - 1)
    total = total + known['kd_weight'] * unbiased_distillation(*at_label)
    total = total + math.sqrt(channels / (channels - known_before)) * pckd
    torch.testing.assert_close(total, known['expected_total'])
    if name == 'voc15_5':
        for i, found in enumerate(torch.autograd.grad(total, inputs)):
            expected = known[f'expected_grad_{i}']
            torch.testing.assert_close(found.float(), expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(('name', 'counted'), [('voc_15-1', True), ('ade_100-10', False)])
def test_void_counts_in_the_mean_on_voc_as_in_the_program(name, counted):
    for step in (0, 1):
        head = step_config(load(f'rcil/{name}.py'), step).model.decode_head
        assert head.loss_decode.avg_non_ignore is not counted
        assert RCILHead.choices(head)['avg_non_ignore'] is not counted


def test_every_trained_parameter_gets_a_gradient_and_the_teacher_none(steps):
    student, teacher, _ = steps
    losses = student.train().loss(*batch())
    sum(losses.values()).backward()
    for name, parameter in student.named_parameters():
        assert parameter.requires_grad is ('.frozen.' not in name), name
        assert (parameter.grad is not None) is parameter.requires_grad, name
    assert all(p.grad is None for p in teacher.parameters())


def test_mixed_precision_learns(steps):
    student, _, _ = steps
    with torch.autocast('cpu', torch.bfloat16):
        losses = student.train().loss(*batch())
    assert losses['decode.loss_pckd'].dtype == torch.float32
    sum(losses.values()).backward()
    assert all(torch.isfinite(p.grad).all() for p in student.parameters() if p.requires_grad)


def test_step_0_is_another_training_than_that_of_the_plain_network(tiny):
    first = {}
    for name in ('rcil', 'mib'):
        first[name] = first_step_of(tiny(f'{name}/fashion_4-2.py'))
    changed = tiny('rcil/fashion_4-2.py')
    changed.model.decode_head.update(
        kd_weight=1.0, pckd_weight=1.0, pckd_last_weight=1.0, kernels=(4,)
    )
    assert first_step_of(changed) == first['rcil'] != first['mib']


def test_what_it_cannot_do_is_refused(tiny):
    cfg = step_config(tiny('rcil/fashion_4-2.py'), 0).model
    auxiliary = dict(cfg.decode_head, base_type='FCNHead', in_channels=8, in_index=0, channels=4)
    auxiliary.pop('dilations')
    with pytest.raises(TypeError, match="write type='MiBHead' for an auxiliary head"):
        MODELS.build(copy.deepcopy(cfg) | dict(auxiliary_head=auxiliary))
    for part in (cfg.backbone, cfg.decode_head):
        part.norm_cfg = dict(type='GN', num_groups=1)
    with pytest.raises(TypeError, match='this network has none'):
        MODELS.build(cfg)


@pytest.mark.usefixtures('undrawn')
def test_a_run_freezes_what_it_folded(tiny, tmp_path):
    cfg = tiny('rcil/fashion_4-2.py')
    results = Run(cfg, tmp_path).run([0, 1, 2])
    assert [entry['choices']['method'] for entry in results] == ['RCIL'] * 3
    assert results[2]['choices']['kd_weight'] == 100
    states = [
        checkpoint_types.load(tmp_path / f'step_{t}/iter_2.pth')['state_dict'] for t in range(3)
    ]
    pairs = MODELS.build(step_config(cfg, 2).model).decode_head.pairs
    for before, after in zip(states[:-1], states[1:], strict=True):
        for key, value in fold(before, pairs).items():
            module, _, name = key.rpartition('.')
            if name != 'num_batches_tracked':
                assert torch.equal(after[f'{module}.frozen.{name}'], value), key
    pair = pairs[0].conv
    assert not torch.equal(states[0][f'{pair}.frozen.weight'], states[0][f'{pair}.trained.weight'])
    assert not torch.equal(states[1][f'{pair}.trained.weight'], states[2][f'{pair}.trained.weight'])
