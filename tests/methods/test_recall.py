"""RECALL: who labels what, what is kept, and what does not change."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.config import Config, ConfigDict
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn.functional import cross_entropy, interpolate
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg_dkd.datasets.demo.retrieved import write_fashion_web
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.methods.recall.labels import helper_label, helper_prediction, inpaint
from mmseg_dkd.models import IncrementalHead, IncrementalSegmentor
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.recipe import first_step_of
from mmseg_dkd.utils import checkpoint_types
from tests.meta import on_meta
from tests.oracle import case
from tests.tiny import REPOSITORY

from .plain import head_of, samples_of

SIZE = (8, 8)
RECIPE = REPOSITORY / 'configs/recall/voc_15-5.py'


def recall_head(step: int) -> IncrementalHead:
    loss = dict(type='CrossEntropyLoss', avg_non_ignore=True)
    return head_of('RECALLHead', step, '1-1', loss_decode=loss)


def at_size(logits: Tensor) -> Tensor:
    return interpolate(logits, SIZE, mode='bilinear')


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 3))
def test_labels_a_pixel_at_a_time(seed, num_old, num_new):
    rng = torch.Generator().manual_seed(seed)
    label = torch.randint(0, 1 + num_old + num_new, (2, 3, 4), generator=rng)
    label[0, 0, 0], label[1, 0, 0] = 255, 0
    new = range(1 + num_old, 1 + num_old + num_new)
    logits = torch.randn(2, 1 + num_old, 3, 4, generator=rng)
    first = 1 + int(torch.randint(0, 5, (), generator=rng))
    retrieved = torch.tensor([seed % 2 == 0, True])
    predicted = helper_prediction(logits, first)
    completed, own = inpaint(label, predicted), helper_label(label, new, retrieved)
    for n, y, x in torch.cartesian_prod(*map(torch.arange, label.shape)).tolist():
        best = max(range(1 + num_old), key=lambda c: logits[n, c, y, x])
        said = 0 if best == 0 else first + best - 1
        true = int(label[n, y, x])
        assert predicted[n, y, x] == said
        assert completed[n, y, x] == (true if true else said)
        if retrieved[n]:
            assert own[n, y, x] == 255
        else:
            assert own[n, y, x] == (1 + list(new).index(true) if true in new else 0)


def test_labels_and_losses_are_those_of_the_program():
    known = case('recall', 'losses')
    logits, label = known['step1_logits'].permute(0, 3, 1, 2), known['step1_labels'][..., 0]
    assert (label == 255).any()
    found = recall_head(0).loss_by_logits(logits, label)['loss_ce']
    torch.testing.assert_close(found, known['step1_expected_loss'])

    label = known['helper_labels_in'][..., 0]
    own = helper_label(label, range(16, 17), torch.tensor([False]))
    # The program calls void background.
    assert torch.equal(own, known['helper_labels_out_by_program'][..., 0]) and (label == 255).any()
    found = cross_entropy(known['helper_logits'].permute(0, 3, 1, 2), own)
    torch.testing.assert_close(found, known['helper_expected_loss_void_as_background'])
    predicted = helper_prediction(known['helper_logits'].permute(0, 3, 1, 2), 16)
    assert set(predicted.unique().tolist()) <= {0, 16}

    found = inpaint(known['inpaint_label'], known['inpaint_predicted'])
    assert torch.equal(found, known['inpaint_expected'])


@pytest.mark.parametrize('preset', ['official', 'paper'])
def test_learning_rate_of_step_0_ends_as_in_program_or_paper(preset):
    known, cfg = case('recall', 'learning_rate'), Config.fromfile(RECIPE)
    cfg.preset = preset
    cfg = step_config(cfg, 0)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=5e-4)
    assert cfg.optim_wrapper.optimizer.lr == 5e-4
    # What a runner gives a schedule without an end.
    (schedule,) = cfg.param_scheduler
    schedule.setdefault('end', cfg.train_cfg.max_iters)
    scheduler = PARAM_SCHEDULERS.build(schedule, default_args=dict(optimizer=optimizer))
    rates = []
    for _ in range(cfg.train_cfg.max_iters):
        rates.append(optimizer.param_groups[0]['lr'])
        scheduler.step()
    assert len(rates) == 22500
    if preset == 'official':
        found = torch.tensor(rates, dtype=torch.float64)[known['iteration']]
        torch.testing.assert_close(found, known['program_lr'], rtol=1e-9, atol=0)
    assert rates[-1] == pytest.approx(dict(official=4.58e-5, paper=5e-6)[preset], rel=2e-3)


def test_encoder_is_normalised_by_fixed_statistics_with_trained_affine_parameters():
    init_default_scope('mmseg')
    cfg = step_config(Config.fromfile(RECIPE), 0).model
    with on_meta():
        model = MODELS.build(cfg).train()
    norms = [m for m in model.backbone.modules() if isinstance(m, _BatchNorm)]
    assert {m.training for m in norms} == {False}
    assert {p.requires_grad for m in norms for p in m.parameters()} == {True}


def three_steps() -> tuple:
    """Heads of 1-1 at steps 0 to 2, each grown from the one before; all but the last are old."""
    heads = [recall_head(step) for step in range(3)]
    for old, new in zip(heads, heads[1:], strict=False):
        state, fresh = ({f'head.{k}': v for k, v in h.state_dict().items()} for h in (old, new))
        grown = new.start_new_classes(state, 'head', fresh)
        assert grown.keys() == fresh.keys()
        new.load_state_dict({key.removeprefix('head.'): value for key, value in grown.items()})
    return tuple(head.eval() for head in heads)


def test_every_image_is_labelled_by_whom_it_concerns():
    first, old, new = three_steps()
    maps = [torch.randn(5, 5, 4, 4, dtype=torch.float64)]
    label = torch.zeros(5, *SIZE, dtype=torch.long)
    label[:, 0], label[0, 1] = 255, 3
    retrieved = [0, 1, 2, 0, 1]
    samples = samples_of(label)
    for sample, value in zip(samples, retrieved, strict=True):
        if value:
            sample.set_metainfo(dict(retrieved=value))
    losses = new.loss(maps, samples, {}, old.teacher_outputs(maps, student=new))
    assert set(losses) == {'loss_ce', 'loss_helper'}

    # The model of step 0 labels what is retrieved for its class, the helper of step 1 what is for
    # class 2, the old model the images of the step.
    said = torch.stack(
        [
            at_size(old(maps)).argmax(1),
            at_size(first(maps)).argmax(1),
            2 * at_size(old.helpers[1](maps)).argmax(1),
        ]
    )
    assert (said[0] != said[1]).any() and (said[1] != said[2]).any()
    completed = torch.stack(
        [torch.where(label[n] == 0, said[who, n], label[n]) for n, who in enumerate(retrieved)]
    )
    expected = cross_entropy(at_size(new(maps)), completed, ignore_index=255)
    torch.testing.assert_close(losses['loss_ce'], expected)

    # The helper of the step learns from the two images that are the step's own.
    own = torch.where(label == 3, 1, 0)[[0, 3]]
    logits = at_size(new.helpers[2](maps))[[0, 3]]
    expected = cross_entropy(logits, own, ignore_index=255)
    torch.testing.assert_close(losses['loss_helper'], expected)


def test_helpers_are_handed_on_unchanged_and_a_new_one_starts_afresh():
    first, old, new = three_steps()
    assert not list(first.helpers)
    for key, value in first.state_dict().items():
        for head in (old, new):
            assert torch.equal(head.state_dict()[f'helpers.0.{key}'], value)
    for key, value in old.helpers[1].state_dict().items():
        assert torch.equal(new.helpers[1].state_dict()[key], value)
    fresh = recall_head(2)
    for key, value in fresh.helpers[2].state_dict().items():
        assert torch.equal(new.helpers[2].state_dict()[key], value)


def test_a_batch_of_retrieved_images_reaches_every_parameter():
    _, old, new = three_steps()
    new.train()
    new.helpers[:-1].requires_grad_(False)
    samples = samples_of(torch.zeros(2, *SIZE, dtype=torch.long))
    for sample in samples:
        sample.set_metainfo(dict(retrieved=2))
    maps = [torch.randn(2, 5, 4, 4, dtype=torch.float64)]
    losses = new.loss(maps, samples, {}, old.teacher_outputs(maps, student=new))
    assert losses['loss_helper'] == 0
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in new.parameters() if p.requires_grad)
    assert not any(p.grad.any() for p in new.helpers[2].parameters())


def test_step_0_is_fine_tuning(tiny):
    recall, plain = head_of('RECALLHead', 0), head_of('SoftmaxHead', 0)
    assert recall.state_dict().keys() == plain.state_dict().keys()
    names = ('recall', 'finetune')
    assert len({first_step_of(tiny(f'{name}/fashion_4-2.py')) for name in names}) == 1


@pytest.mark.usefixtures('undrawn')
def test_encoder_and_helpers_are_frozen_in_a_run(tiny, tmp_path):
    web, cfg = tmp_path / 'web', tiny('recall/fashion_4-2.py')
    write_fashion_web(web, per_class=2, size=64)
    cfg.later_steps.train_dataloader.dataset.web_root = str(web)
    Run(cfg, tmp_path / 'run').run([0, 1])
    before, after = (
        checkpoint_types.load(tmp_path / f'run/step_{step}/iter_2.pth')['state_dict']
        for step in (0, 1)
    )
    changed = {key for key, value in before.items() if not torch.equal(after[key], value)}
    decoder = {key for key in before if key.startswith('decode_head.')}
    assert changed == decoder
    for key in decoder:
        kept = after[key.replace('decode_head.', 'decode_head.helpers.0.')]
        assert torch.equal(kept, before[key]), key


def test_what_a_step_trains(tiny):
    model = MODELS.build(step_config(tiny('recall/fashion_4-2.py'), 2).model).train()
    trained = {key for key, value in model.named_parameters() if value.requires_grad}
    decoder = {key for key, _ in model.named_parameters() if key.startswith('decode_head.')}
    kept = {
        key for key in decoder if key.startswith(('decode_head.helpers.0', 'decode_head.helpers.1'))
    }
    assert kept and trained == decoder - kept
    assert not any(module.training for module in model.backbone.modules())


def test_another_choice_of_what_is_trained_is_refused(tiny):
    cfg = tiny('recall/fashion_4-2.py')
    cfg.later_steps.model = dict(train_only=['decode_head.conv_seg'])
    plan = Run(cfg, 'never').plan([1])[0]
    assert any("leave train_only=['decode_head.conv_seg'] out" in m for m in plan.missing)


def test_an_auxiliary_head_of_the_kind_is_refused(tiny):
    cfg = step_config(tiny('recall/fashion_4-2.py'), 1).model
    cfg.pop('type')
    cfg.backbone.norm_cfg = dict(type='BN')
    cfg.auxiliary_head = ConfigDict(cfg.decode_head.to_dict())
    with pytest.raises(ValueError, match="auxiliary head cannot be a RECALLHead.*'SoftmaxHead'"):
        IncrementalSegmentor(**cfg)
