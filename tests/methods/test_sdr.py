"""SDR's head: its features, its labels, its prototypes from step to step, and its configs."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS

from mmseg_dkd.engine import hand_over
from mmseg_dkd.engine.choices import choices_of
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.methods.sdr import SDRHead
from mmseg_dkd.runs import Run
from mmseg_dkd.utils import checkpoint_types
from tests.configs.names import load
from tests.meta import on_meta

from .plain import head_of, samples_of
from .test_sdr_losses import plain_attraction, plain_matching, plain_repulsion, plain_sparsity

CE = dict(type='CrossEntropyLoss', avg_non_ignore=True)
MAPS = [torch.randn(2, 5, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))]


def grown(old: SDRHead, new: SDRHead) -> SDRHead:
    """The head of step 1 as it starts from that of step 0."""
    state, fresh = ({f'head.{k}': v for k, v in h.state_dict().items()} for h in (old, new))
    state = new.start_new_classes(state, 'head', fresh)
    new.load_state_dict({k.removeprefix('head.'): v for k, v in state.items()}, strict=True)
    return new


def taught(**changes) -> tuple[SDRHead, SDRHead]:
    """Head of step 0 that has seen a batch, and the head of step 1 that goes on from it."""
    old = head_of('SDRHead', 0, **changes).eval()
    old.loss(MAPS, samples_of(torch.randint(0, 3, (2, 8, 8))), {})
    return old, grown(old, head_of('SDRHead', 1, **changes).eval())


def test_terms_are_those_of_the_paper_on_teacher_and_labels():
    _, new = taught(matching_weight=2.0, contrastive_weight=3.0, sparsity_weight=5.0)
    label = torch.randint(0, 2, (2, 8, 8)) * 3
    label[0, 2], label[1, 4] = 255, 0
    told = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    losses = new.loss(MAPS, samples_of(label), {}, told)
    # The nearest of 8 x 8 at 4 x 4; the feature has the size of the teacher's logits.
    small, seen = label[:, ::2, ::2], told.argmax(1)
    small = torch.where(small == 0, seen, small)
    assert {0, 1, 2, 3, 255} == set(small.flatten().tolist())
    mean, count = new.prototypes.mean, new.prototypes.count
    expected = dict(
        loss_matching=2 * plain_matching(MAPS[0], small, mean[:2], count[:2]),
        loss_attraction=3 * plain_attraction(MAPS[0], small, mean, count),
        loss_repulsion=3 * plain_repulsion(MAPS[0], small, 3),
        loss_sparsity=5 * plain_sparsity(MAPS[0], small, 3),
    )
    assert set(losses) == {'loss_ce', 'loss_kd', *expected}
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)
    mib = head_of('MiBHead', 1, kd_weight=100.0).eval()
    mib.load_state_dict({k: v for k, v in new.state_dict().items() if 'prototypes' not in k})
    for name, value in mib.loss(MAPS, samples_of(label), {}, told).items():
        torch.testing.assert_close(losses[name], value)


def test_void_as_unknown_is_what_the_teacher_sees_in_every_term():
    label = torch.randint(0, 2, (2, 8, 8)) * 3
    label[0, :4] = 255
    told = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    losses = []
    for each, void in ((label, 'unknown'), (torch.where(label == 255, 0, label), 'ignored')):
        _, new = taught(void=void)
        losses.append(new.loss(MAPS, samples_of(each), {}, told))
    torch.testing.assert_close(*losses)


@pytest.mark.parametrize(('name', 'void'), [('voc_15-1', 'unknown'), ('ade_50-50', 'ignored')])
def test_void_is_unknown_on_voc_as_in_the_program(name, void):
    for step in (0, 1):
        assert choices_of(step_config(load(f'sdr/{name}.py'), step))['void'] == void


def test_step_0_is_cross_entropy_that_fills_the_prototypes():
    label = torch.randint(0, 3, (2, 8, 8))
    label[0, 0] = 255
    sdr, plain = (head_of(kind, 0, loss_decode=CE).eval() for kind in ('SDRHead', 'SoftmaxHead'))
    losses = [head.loss(MAPS, samples_of(label), {}) for head in (sdr, plain)]
    torch.testing.assert_close(*losses)
    small = label[:, ::2, ::2]
    for c in (1, 2):
        of_class = MAPS[0].movedim(1, -1)[small == c]
        torch.testing.assert_close(sdr.prototypes.mean[c - 1], of_class.mean(0))
        assert sdr.prototypes.count[c - 1] == len(of_class) > 0


def test_first_step_is_its_own_whatever_only_later_steps_have():
    cfg = dict(type='SDRHead', channels=6)
    changed = dict(init='background', kd_weight=1.0, matching_weight=1.0, sparsity_weight=0.0)
    assert SDRHead.first_step(cfg | changed | dict(contrastive_weight=0.0)) == cfg
    assert SDRHead.first_step(cfg | dict(channels=7)) != cfg


def test_prototypes_grow_with_the_classes():
    old, new = taught()
    assert old.prototypes.count.all()
    assert new.prototypes.mean.shape == (3, 5) and new.prototypes.count.shape == (3,)
    assert torch.equal(new.prototypes.mean[:2], old.prototypes.mean)
    assert torch.equal(new.prototypes.count[:2], old.prototypes.count)
    assert not new.prototypes.mean[2].any() and not new.prototypes.count[2]


def test_a_step_0_of_another_method_is_refused(tiny):
    cfg = tiny('sdr/fashion_4-2.py')
    with on_meta():
        other = MODELS.build(step_config(tiny('finetune/fashion_4-2.py'), 0).model).state_dict()
        model = MODELS.build(step_config(cfg, 1).model)
    with pytest.raises(ValueError, match='2 tensors:\\n.*decode_head.prototypes.mean: missing'):
        hand_over.start_state(other, model)


def test_new_classifiers_start_as_asked():
    (old, random), (_, shared) = taught(), taught(init='background')
    background = old.conv_seg.background.weight
    assert torch.equal(random.conv_seg.background.weight, background)
    assert torch.equal(random.conv_seg.background.bias, old.conv_seg.background.bias)
    assert not torch.equal(random.conv_seg.steps[1].weight, background)
    assert torch.equal(shared.conv_seg.steps[1].weight, background)
    with pytest.raises(ValueError, match="init must be one of .*'random'.*, got 'auxiliary'"):
        head_of('SDRHead', 0, init='auxiliary')


def test_under_mixed_precision_the_terms_are_of_single_precision():
    old, new = (head.float() for head in taught())
    maps = [MAPS[0].float().requires_grad_()]
    label = torch.randint(0, 2, (2, 8, 8)) * 3
    with torch.autocast('cpu', torch.bfloat16):
        half = [maps[0].bfloat16()]
        losses = new.loss(half, samples_of(label), {}, old.teacher_outputs(half, student=new))
    names = ('loss_matching', 'loss_attraction', 'loss_repulsion', 'loss_sparsity')
    losses = {name: losses[name] for name in names}
    assert all(loss.dtype == torch.float32 for loss in losses.values())
    small, whole = label[:, ::2, ::2], half[0].detach().float()
    expected = whole.movedim(1, -1)[small == 3].mean(0)
    torch.testing.assert_close(new.prototypes.mean[2], expected)
    told = old([whole]).argmax(1)
    alone = new.loss_of_feature(whole, torch.where(small == 0, told, small))
    torch.testing.assert_close(losses, alone)
    (gradient,) = torch.autograd.grad(sum(losses.values()), maps)
    assert torch.isfinite(gradient).all() and gradient.any()


def test_every_trained_parameter_gets_a_gradient_without_any_class():
    old, new = taught()
    label = torch.full((2, 8, 8), 255)
    losses = new.train().loss(MAPS, samples_of(label), {}, old.teacher_outputs(MAPS, student=new))
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in new.parameters())


def test_features_are_the_last_map_that_a_head_of_several_reads():
    several = dict(in_channels=[2, 5], in_index=[0, 2])
    fcn = head_of('SDRHead', 0, input_transform='resize_concat', kernel_size=1, **several)
    segformer = dict(type='SDRHead', base_type='SegformerHead', channels=6, num_classes=5)
    scenario = dict(name='2-1', num_classes=4)
    segformer = MODELS.build(ConfigDict(segformer, scenario=scenario, step=0, **several)).double()
    maps = [torch.randn(2, c, 4, 4, dtype=torch.float64) for c in (2, 3, 5)]
    for head in (fcn, segformer):
        assert head.prototypes.mean.shape == (2, 5)
        head.loss(maps, samples_of(torch.ones(2, 8, 8, dtype=torch.long)), {})
        torch.testing.assert_close(head.prototypes.mean[0], maps[2].mean((0, 2, 3)))


@pytest.mark.parametrize('found', [torch.zeros(2, 4, 3, 3), torch.zeros(2, 5), [torch.zeros(1)]])
def test_what_is_no_map_of_the_known_channels_is_refused(found):
    with pytest.raises(TypeError, match=r'SDR needs a map \[N, 5, h, w\].* FCNHead reads'):
        head_of('SDRHead', 0).encoded([found])


@pytest.mark.usefixtures('undrawn')
def test_a_run_hands_over_prototypes_and_holds_the_old_ones(tiny, tmp_path):
    results = Run(tiny('sdr/fashion_4-2.py'), tmp_path).run([0, 1])
    assert [entry['choices']['method'] for entry in results] == ['SDR', 'SDR']
    assert results[1]['choices']['kd_weight'] == 100 and results[1]['choices']['init'] == 'random'
    first, second = (
        checkpoint_types.load(tmp_path / f'step_{step}/iter_2.pth')['state_dict'] for step in (0, 1)
    )
    mean, count = (f'decode_head.prototypes.{part}' for part in ('mean', 'count'))
    assert first[mean].shape == (4, 80) and second[mean].shape == (6, 80)
    assert first[count].all() and second[count].all()
    # Labels show no old class, so their prototypes stay.
    assert torch.equal(second[mean][:4], first[mean]) and torch.equal(
        second[count][:4], first[count]
    )


@pytest.mark.parametrize(('name', 'batch', 'lr'), [('voc', 8, 1e-3), ('ade', 4, 1e-2)])
def test_recipe_is_that_of_the_authors(name, batch, lr):
    scenario = dict(voc='15-5', ade='100-50')[name]
    for step in (0, 1):
        cfg = step_config(load(f'sdr/{name}_{scenario}.py'), step)
        assert 4 * cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == batch
        assert cfg.optim_wrapper.optimizer.lr == pytest.approx(lr / 10**step)
        assert cfg.train_cfg.max_epochs == dict(voc=30, ade=60)[name]
