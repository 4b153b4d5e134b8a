"""The head of PLOP: what it compares, what it knows before a step, and what a run leaves."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import InfiniteSampler, pseudo_collate
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import DataLoader

from mmseg_dkd.engine.choices import choices_of
from mmseg_dkd.engine.hand_over import build_teacher, start_state
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.export.plain import plain_model, plain_state
from mmseg_dkd.methods.plop.head import OldModel, PLOPHead
from mmseg_dkd.methods.plop.pod import with_new_as_background
from mmseg_dkd.methods.plop.pseudo_labels import (
    medians_of_program,
    pseudo_cross_entropy,
    pseudo_labels,
)
from mmseg_dkd.models import IncrementalSegmentor
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.recipe import first_step_of
from mmseg_dkd.utils import checkpoint_types
from tests.meta import on_meta
from tests.oracle import case
from tests.tiny import REPOSITORY

from .plain import head_of, samples_of
from .test_plop_pod import plain_local_pod
from .test_plop_pseudo_labels import plain_cross_entropy, plain_entropy, plain_pseudo_labels

RESNET = dict(
    type='IncrementalSegmentor',
    data_preprocessor=dict(type='SegDataPreProcessor', size=(32, 32)),
    backbone=dict(
        type='ResNet',
        depth=18,
        strides=(1, 2, 1, 1),
        stem_channels=4,
        base_channels=4,
        norm_cfg=dict(type='BN'),
    ),
    decode_head=dict(
        type='PLOPHead',
        base_type='FCNHead',
        in_channels=32,
        channels=6,
        num_convs=1,
        norm_cfg=dict(type='BN'),
        dropout_ratio=0,
        scenario=dict(name='2-1', num_classes=4),
        num_classes=5,
    ),
    freeze_dropout=True,
)


def at_step(step: int, **changes) -> ConfigDict:
    cfg = ConfigDict(RESNET | changes)
    cfg.decode_head.step = step
    return cfg


@pytest.fixture
def student() -> IncrementalSegmentor:
    """A thin ResNet at step 1, with its teacher."""
    init_default_scope('mmseg')
    torch.manual_seed(0)
    first = MODELS.build(at_step(0))
    model = MODELS.build(at_step(1))
    model.load_state_dict(start_state(first.state_dict(), model))
    model.set_teacher(build_teacher(at_step(1), first.state_dict(), 0, torch.device('cpu')))
    return model


def batch_of(model: IncrementalSegmentor, size: int = 32) -> tuple[Tensor, list]:
    label = torch.tensor([0, 3, 255])[torch.randint(3, (2, size, size))]
    return torch.randn(2, 3, size, size), samples_of(label)


def test_head_compares_maps_feature_and_logits_as_in_the_paper():
    cfg = dict(pod_factor=0.3, pod_logits_factor=0.2)
    old, new = (head_of('PLOPHead', step, **cfg).eval() for step in (0, 1))
    for parameter in new.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    old_maps, new_maps = (
        [torch.randn(2, 5, 4, 4).double(), torch.randn(2, 3, 8, 4).double()] for _ in range(2)
    )
    label = torch.randint(0, 2, (2, 8, 8)) * 3
    label[0, 0], label[1, :4] = 255, 0
    told = old.teacher_outputs(old_maps, student=new)
    new.conv_seg.thresholds.copy_(torch.tensor([0.6, 0.5, 0.9]))
    losses = new.loss(new_maps, samples_of(label), {}, told)
    assert set(losses) == {'loss_ce', 'loss_pod'}

    logits, teacher = new(new_maps), old(old_maps)
    summed = torch.stack([logits[:, 0] + logits[:, 3], logits[:, 1], logits[:, 2]], 1)
    terms = [0.3 * plain_local_pod(*pair) for pair in zip(new_maps, old_maps, strict=True)]
    terms.append(0.3 * plain_local_pod(new.feature(new_maps), old.feature(old_maps)))
    terms.append(0.2 * plain_local_pod(summed, teacher))
    # Two old classes, a new one and the background; one is new.
    expected = math.sqrt(4 / 1) * sum(terms) / 4
    torch.testing.assert_close(losses['loss_pod'], expected)

    at_label = [interpolate(z, (8, 8), mode='bilinear') for z in (logits, teacher)]
    pseudo = plain_pseudo_labels(at_label[1], new.conv_seg.thresholds)
    assert (pseudo == 255).any() and (pseudo[label == 0] != 255).any()
    expected = plain_cross_entropy(at_label[0], label, pseudo)
    torch.testing.assert_close(losses['loss_ce'], expected)


@pytest.mark.parametrize('name', ['voc15_5', 'ade100_50'])
def test_total_and_gradients_are_those_of_the_program(name):
    known = case('plop', f'total_{name}')
    channels, old_channels = (int(known[f'num_channels_{kind}']) for kind in ('all', 'old'))
    maps = [known[f'map_new_{i}'].requires_grad_() for i in range(4)]
    feature = known['feature_new'].requires_grad_()
    logits = torch.einsum('kd,ndhw->nkhw', known['weight_new'], feature)
    logits = logits + known['bias_new'][:, None, None]
    told = torch.einsum('kd,ndhw->nkhw', known['weight_old'], known['feature_old'])
    told = told + known['bias_old'][:, None, None]
    head = SimpleNamespace(
        pod_factor=known['pod_factor'].item(),
        pod_logits_factor=known['pod_logits_factor'].item(),
        conv_seg=SimpleNamespace(num_seen=channels - 1),
        new_labels=range(channels - old_channels),
    )
    new = OldModel(maps, feature, with_new_as_background(logits, old_channels))
    old = OldModel([known[f'map_old_{i}'] for i in range(4)], known['feature_old'], told)
    at_label = [interpolate(z, known['label'].shape[1:], mode='bilinear') for z in (logits, told)]
    pseudo = pseudo_labels(at_label[1], known['thresholds_normalised_entropy'])

    def total_of(label: Tensor) -> Tensor:
        return pseudo_cross_entropy(at_label[0], label, pseudo) + PLOPHead.loss_of_pod(
            head, new, old
        )

    total = total_of(known['label'])
    torch.testing.assert_close(total, known['expected_total'])
    if name == 'voc15_5':
        for i, found in enumerate(torch.autograd.grad(total, [*maps, feature], retain_graph=True)):
            expected = known[f'expected_grad_{i}']
            torch.testing.assert_close(found.float(), expected, rtol=1e-5, atol=1e-9)
    # The second image shows new classes alone: nothing of it is unknown.
    all_known = case('plop', f'all_known_{name}')
    torch.testing.assert_close(total_of(all_known['label']), all_known['program_total'])


@pytest.mark.parametrize('old_classes', [15, 16])
def test_unit_and_floor_of_the_program_grow_with_the_classes(student, old_classes):
    head = head_of('PLOPHead', 1, thresholds='program')
    head.conv_seg.num_old, head.conv_seg.num_seen = old_classes, 20
    expected = (1 + old_classes) * math.log(21)
    assert head.entropy_unit == pytest.approx(expected)
    if old_classes == 15:
        floor = case('plop', 'thresholds_K16_C21')['floor_of_program_in_normalised_entropy']
        assert head.entropy_floor * head.entropy_unit == pytest.approx(floor.item())


def test_of_a_resnet_the_six_maps_before_activation_are_compared(student, monkeypatch):
    compared = []

    def note(maps: Tensor, teacher_maps: Tensor) -> Tensor:
        compared.append((maps, teacher_maps))
        return (maps - teacher_maps.detach()).square().mean()

    monkeypatch.setattr('mmseg_dkd.methods.plop.head.local_pod', note)
    student.train().loss(*batch_of(student))
    channels = [4, 8, 16, 32, 6, 3]
    assert [(len(old[0]), len(new[0])) for old, new in compared] == [(c, c) for c in channels]
    for new, old in compared[:4]:
        assert (new < 0).any() and (old < 0).any()
        assert new.requires_grad and not old.requires_grad


def test_every_parameter_learns_even_where_the_old_model_is_uncertain(student):
    for certain in (0.0, 1.0):
        student.decode_head.conv_seg.thresholds.fill_(certain)
        student.zero_grad()
        losses = student.train().loss(*batch_of(student))
        assert set(losses) == {'decode.loss_ce', 'decode.loss_pod'}
        assert (losses['decode.loss_ce'] > 0) == bool(certain)
        sum(losses.values()).backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in student.parameters())
    assert all(p.grad is None for p in student.teacher.parameters())


def test_thresholds_are_medians_over_all_images_of_the_step(student, monkeypatch):
    init_default_scope('mmseg')
    torch.manual_seed(1)
    images, samples = batch_of(student)
    more, others = batch_of(student)
    data = [
        dict(inputs=image, data_samples=sample)
        for image, sample in zip([*images, *more[:1]], [*samples, *others[:1]], strict=True)
    ]
    loader = DataLoader(data, 2, sampler=InfiniteSampler(data), collate_fn=pseudo_collate)
    with torch.no_grad():
        for parameter in student.teacher.decode_head.conv_seg.parameters():
            parameter.mul_(20)
    head = student.decode_head
    head.entropy_floor = 0.0
    head.before_step(student, loader)

    entropies, labels = [], []
    for entry in data:
        with torch.no_grad():
            small = student.teacher(entry['inputs'][None])
        logits = interpolate(small, (32, 32), mode='bilinear')[0].double()
        unknown = entry['data_samples'].gt_sem_seg.data[0] == 0
        labels.append(logits.argmax(0)[unknown])
        entropies += [plain_entropy(z) for z in logits[:, unknown].T]
    entropies, labels = torch.stack(entropies), torch.cat(labels)
    assert len(labels.unique()) > 1
    for c in labels.unique():
        assert head.conv_seg.thresholds[c].item() == pytest.approx(
            entropies[labels == c].median().item(), abs=6e-5
        )
    alone = head.conv_seg.thresholds.clone()

    # The same images shared by two processes: what each counts is added.
    counted = []
    monkeypatch.setattr('mmseg_dkd.methods.plop.head.all_reduce', counted.append)
    for rank in (0, 1):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda rank=rank: (rank, 2))
        head.before_step(student, loader)
    monkeypatch.setattr('mmseg_dkd.methods.plop.head.all_reduce', lambda x: x.add_(counted[0]))
    head.before_step(student, loader)
    assert torch.equal(head.conv_seg.thresholds, alone) and not torch.equal(*counted)

    head.entropy_floor = floor = alone.median().item()
    head.conv_seg.thresholds.zero_()
    monkeypatch.undo()
    head.before_step(student, loader)
    assert torch.equal(head.conv_seg.thresholds, alone.clamp(min=floor)) and (alone < floor).any()

    # Of 3 old channels and 4 in all.
    head.thresholds, head.entropy_floor, unit = 'program', 0.0, 3 * math.log(4)
    head.before_step(student, loader)
    for c in labels.unique():
        bins = (100 * entropies[labels == c] / unit).long()
        expected = unit * medians_of_program(bins.bincount(minlength=100)[None])[0]
        torch.testing.assert_close(head.conv_seg.thresholds[c], expected)


def test_a_plain_model_of_mmseg_predicts_the_same(student):
    plain = MODELS.build(ConfigDict(plain_model(at_step(1), num_classes=4))).eval()
    plain.load_state_dict(plain_state(student.eval(), plain.state_dict()), strict=True)
    image = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(plain(image), student(image))


def test_what_it_is_not_made_for_is_refused():
    init_default_scope('mmseg')
    with pytest.raises(TypeError, match='auxiliary_head=None'):
        MODELS.build(at_step(0, auxiliary_head=dict(RESNET['decode_head'], step=0)))
    with pytest.raises(ValueError, match=r"one of \('median', 'program'\), got 'mean'"):
        head_of('PLOPHead', 0, thresholds='mean')
    with pytest.raises(TypeError, match='kd_weight'):
        head_of('PLOPHead', 0, kd_weight=10.0)


@pytest.mark.parametrize('step', [1, 2])
def test_step_starts_from_mibs_initialisation_and_its_own_thresholds(step):
    states = []
    for kind in ('PLOPHead', 'MiBHead'):
        old, new = (head_of(kind, t) for t in (step - 1, step))
        if kind == 'PLOPHead':
            assert hasattr(old.conv_seg, 'thresholds') == (step == 2)
        state, fresh = ({f'head.{k}': v for k, v in h.state_dict().items()} for h in (old, new))
        grown = new.start_new_classes(state, 'head', fresh)
        assert grown.keys() == fresh.keys()
        states.append(grown)
    torch.testing.assert_close(
        states[0].pop('head.conv_seg.thresholds'), torch.ones(2 + step).double()
    )
    torch.testing.assert_close(*states, rtol=0, atol=0)


def test_a_teacher_has_the_thresholds_of_its_own_step(student):
    student.decode_head.conv_seg.thresholds.fill_(0.3)
    teacher = build_teacher(at_step(2), student.state_dict(), 1, torch.device('cpu'))
    assert torch.equal(teacher.decode_head.conv_seg.thresholds, torch.full((3,), 0.3))


@pytest.mark.usefixtures('undrawn')
def test_run_knows_the_medians(tiny, tmp_path):
    cfg = tiny('plop/fashion_4-2.py')
    # Without chance, and with thresholds that are no floor.
    cfg.train_dataloader.dataset.dataset.pipeline = cfg.test_pipeline
    cfg.model.decode_head.entropy_floor = 0.0
    results = Run(cfg, tmp_path / 'plop').run([0, 1])
    choices = [entry['choices'] for entry in results]
    assert [each['method'] for each in choices] == 2 * ['PLOP']
    assert [each['freeze_dropout'] for each in choices] == [False, True]

    of_step, before = (
        checkpoint_types.load(tmp_path / f'plop/step_{t}/iter_2.pth')['state_dict'] for t in (1, 0)
    )
    own = step_config(cfg, 1)
    teacher = build_teacher(own.model, before, 0, torch.device('cpu'))
    entropies, labels = [], []
    for entry in DATASETS.build(own.train_dataloader.dataset):
        data = dict(inputs=[entry['inputs']], data_samples=[entry['data_samples']])
        data = teacher.data_preprocessor(data, True)
        label = data['data_samples'][0].gt_sem_seg.data[0]
        with torch.no_grad():
            logits = teacher(data['inputs'])
        q = interpolate(logits, label.shape, mode='bilinear')[0].softmax(0)[:, label == 0]
        entropies.append(-(q * q.log()).sum(0) / math.log(len(q)))
        labels.append(q.argmax(0))
    entropies, labels = torch.cat(entropies), torch.cat(labels)
    found = of_step['decode_head.conv_seg.thresholds']
    assert len(found) == 5
    for c in labels.unique():
        expected = entropies[labels == c].median()
        assert abs(found[c] - expected) < 1.1e-4, (c, found, expected)


@pytest.mark.parametrize('name', ['fashion_4-1', 'ade_50-50'])
def test_step_0_is_that_of_fine_tuning(name):
    configs = [Config.fromfile(REPOSITORY / f'configs/{m}/{name}.py') for m in ('plop', 'finetune')]
    assert first_step_of(configs[0]) == first_step_of(configs[1])


@pytest.mark.parametrize('name', ['voc_15-1', 'ade_100-50'])
def test_networks_and_weights_of_the_configs(name):
    cfg = Config.fromfile(REPOSITORY / f'configs/plop/{name}.py')
    voc = name.startswith('voc')
    head = cfg.model.decode_head
    weights = head.pod_factor, head.pod_logits_factor, head.entropy_floor
    np.testing.assert_array_equal(weights, (0.01, 5e-4, 1e-3) if voc else (1e-3, 1e-5, 1e-3))
    chosen = choices_of(step_config(cfg, 1))
    assert (chosen['thresholds'], chosen['avg_non_ignore']) == ('program', not voc)
    cfg.preset = 'paper'
    assert choices_of(step_config(cfg, 1))['thresholds'] == 'median'
    init_default_scope('mmseg')
    for step in (0, 1):
        own = step_config(cfg, step).model
        with on_meta():
            model = MODELS.build(own)
        assert own.get('freeze_dropout', False) == bool(step)
        relus = [getattr(model.backbone, f'layer{i}')[-1].relu for i in range(1, 5)]
        assert not any(relu.inplace for relu in relus)
        assert model.backbone.layer1[0].relu.inplace
