"""Auxiliary heads, as stock recipes have them, beside the head that predicts."""

import copy

import pytest
import torch
from mmengine.config import Config, ConfigDict

from mmseg_dkd.engine import hand_over
from mmseg_dkd.engine.choices import choices_of
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.models.losses import auxiliary_loss, binary_kd_loss, multi_bce_loss
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.recipe import first_step_of
from mmseg_dkd.utils import checkpoint_types
from tests.models import test_segmentor
from tests.models.test_segmentor import images, samples

SCENARIO = dict(name='2-1', num_classes=4)
# As in the docs: mBCE and KD only, each with 0.4 of its usual weight.
FCN = dict(
    type='DKDHead',
    base_type='FCNHead',
    in_channels=6,
    in_index=0,
    channels=4,
    num_convs=1,
    concat_input=False,
    dropout_ratio=0,
    norm_cfg=dict(type='BN'),
    align_corners=False,
    scenario=SCENARIO,
    num_classes=5,
    loss_decode=dict(type='MultiBCELoss', loss_weight=0.4),
    loss_kd=dict(type='BinaryKDLoss', loss_weight=2.0),
    init='random',
)
TAUGHT = dict(FCN, init='auxiliary', loss_aux=dict(type='AuxiliaryLoss', loss_weight=3.0))
# What a config may have, and the heads' names and prefixes.
KINDS = {
    'one': (FCN, {'auxiliary_head': 'aux'}),
    'two': ([TAUGHT, FCN], {'auxiliary_head.0': 'aux_0', 'auxiliary_head.1': 'aux_1'}),
}


def build(step=1, auxiliary_head=FCN, **changes):
    given = copy.deepcopy(auxiliary_head)
    for head in given if isinstance(given, list) else [given]:
        head.setdefault('step', step)
    return test_segmentor.build(step, auxiliary_head=given, **changes)


@pytest.mark.parametrize('kind', KINDS)
def test_every_head_learns_from_the_same_head_of_the_teacher(kind):
    auxiliary_head, prefixes = KINDS[kind]
    model, teacher = build(auxiliary_head=auxiliary_head), build(0, auxiliary_head)
    model.eval().set_teacher(teacher)
    assert list(model.incremental_heads) == ['decode_head', *prefixes]
    losses = model.loss(images(), samples())
    maps, old_maps = model.backbone(images()), teacher.backbone(images())
    reasoning = teacher.decode_head.teacher_outputs(old_maps, student=model.decode_head)
    terms = model.decode_head.loss(maps, samples(), {}, reasoning)
    expected = {f'decode.{key}': value for key, value in terms.items()}
    label = torch.cat([sample.gt_sem_seg.data for sample in samples()])
    for name, prefix in prefixes.items():
        head, old_head = model.get_submodule(name), teacher.get_submodule(name)
        # The head written out: one block of convolution, norm and ReLU, then the classifiers.
        feature, old_feature = head.convs(maps[0]), old_head.convs(old_maps[0])
        first, second = head.conv_seg.steps
        expected[f'{prefix}.loss_mbce'] = 0.4 * multi_bce_loss(second(feature), label, [3])
        expected[f'{prefix}.loss_kd'] = 2 * binary_kd_loss(
            first(feature), old_head.conv_seg.steps[0](old_feature), label.shape[1:]
        )
        if head.loss_aux is not None:
            expected[f'{prefix}.loss_ac'] = 3 * auxiliary_loss(
                head.conv_seg.auxiliary(feature), label.shape[1:]
            )
    torch.testing.assert_close(losses, expected)


def test_gradients_of_an_auxiliary_head_reach_itself_and_the_backbone():
    model = build(auxiliary_head=[TAUGHT, FCN])
    model.set_teacher(build(0, [TAUGHT, FCN]))
    losses = model.loss(images(), samples())
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    for prefix, own in (('decode.', 'decode_head.'), ('aux_1.', 'auxiliary_head.1.')):
        total = sum(value for name, value in losses.items() if name.startswith(prefix))
        grads = torch.autograd.grad(total, trained.values(), retain_graph=True, allow_unused=True)
        reached = {name for name, grad in zip(trained, grads, strict=True) if grad is not None}
        assert reached == {name for name in trained if name.startswith(('backbone.', own))}
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.any() for p in trained.values())
    assert 'auxiliary_head.1.conv_seg.auxiliary.weight' not in trained, 'no loss reaches it'


def test_every_head_hands_over_as_its_init_says():
    auxiliary_head = [TAUGHT, FCN]
    first, model = build(0, auxiliary_head), build(1, auxiliary_head)
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.normal_()
    old, fresh = first.state_dict(), copy.deepcopy(model.state_dict())
    model.load_state_dict(hand_over.start_state(old, model), strict=True)
    new = model.state_dict()
    for name in ('decode_head', 'auxiliary_head.0', 'auxiliary_head.1'):
        for part in ('weight', 'bias'):
            taught = old[f'{name}.conv_seg.auxiliary.{part}']
            start = fresh if name.endswith('1') else {f'{name}.conv_seg.steps.1.{part}': taught}
            key = f'{name}.conv_seg.steps.1.{part}'
            assert torch.equal(new[key], start[key]), key
    kept = [key for key in new if '.steps.1.' not in key]
    assert len(kept) == len(old) and all(torch.equal(new[key], old[key]) for key in kept)


def test_checkpoint_without_the_auxiliary_head_does_not_fit():
    old = test_segmentor.build(0).state_dict()
    with pytest.raises(ValueError, match='(?s)step 0 does not fit.*auxiliary_head.convs.*missing'):
        hand_over.start_state(old, build())
    with pytest.raises(ValueError, match='(?s)auxiliary_head.0.conv_seg.steps.1.weight: missing'):
        hand_over.start_state(old, build(auxiliary_head=[TAUGHT]))


@torch.no_grad()
def test_only_the_decode_head_predicts():
    model = build().eval()
    model.auxiliary_head = None
    logits = model.inference(images(), [sample.metainfo for sample in samples()])
    model = build().eval()
    for parameter in model.auxiliary_head.parameters():
        parameter.fill_(torch.nan)
    metas = [sample.metainfo for sample in samples()]
    torch.testing.assert_close(model.inference(images(), metas), logits, rtol=0, atol=0)


@pytest.mark.parametrize(
    'changes', [dict(step=0), dict(scenario=dict(SCENARIO, order=[2, 1, 3, 4]))]
)
def test_heads_of_another_step_or_scenario_are_refused(changes):
    with pytest.raises(ValueError, match=r'auxiliary_head\.1 is at step \d of .*: give both'):
        build(auxiliary_head=[FCN, FCN | changes])


def with_auxiliary_heads(cfg: Config) -> Config:
    head = dict(FCN, in_channels=80, in_index=3, scenario=cfg.scenario, num_classes=9)
    cfg.model.auxiliary_head = [ConfigDict(copy.deepcopy(head)) for _ in range(2)]
    return cfg


def test_choices_and_recipe_know_every_head(tiny):
    cfg = with_auxiliary_heads(tiny())
    chosen = choices_of(step_config(cfg, 1))
    assert chosen['mbce'] == 1.0 and chosen['init'] == 'auxiliary'
    first, second = chosen['auxiliary_heads']
    assert first == second
    assert (first['mbce'], first['alpha'], first['beta'], first['init']) == (0.4, 2, None, 'random')
    shared = first_step_of(cfg)
    for key, value, shares in (
        ('loss_kd', None, True),
        ('init', 'auxiliary', True),
        ('loss_decode', dict(type='MultiBCELoss'), False),
    ):
        changed = copy.deepcopy(cfg)
        changed.model.auxiliary_head[1][key] = value
        assert (first_step_of(changed) == shared) is shares, key
    assert choices_of(step_config(tiny(), 1))['auxiliary_heads'] == []


@pytest.mark.usefixtures('undrawn')
def test_a_run_trains_every_head_of_every_step(tiny, tmp_path):
    Run(with_auxiliary_heads(tiny()), tmp_path).run([0, 1])
    before, after = (
        checkpoint_types.load(tmp_path / f'step_{step}/iter_2.pth')['state_dict']
        for step in range(2)
    )
    name = 'auxiliary_head.1'
    assert after[f'{name}.conv_seg.steps.1.weight'].shape == (2, 4, 1, 1)
    key = f'{name}.conv_seg.steps.0.weight'
    assert before[key].shape == after[key].shape and not torch.equal(before[key], after[key])
