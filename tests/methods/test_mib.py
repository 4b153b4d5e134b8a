"""MiB against loops over pixels, and what its initialisation keeps."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mmseg_dkd.methods.mib import (
    background_start,
    unbiased_cross_entropy,
    unbiased_distillation,
)
from mmseg_dkd.runs import Run
from tests.oracle import case

from .plain import head_of, samples_of


def plain_cross_entropy(logits: Tensor, label: Tensor, num_old: int) -> Tensor:
    """Eq. 5 and 6, a pixel at a time."""
    total, known = 0, 0
    for n, y, x in torch.cartesian_prod(*map(torch.arange, label.shape)):
        z, true = logits[n, :, y, x], int(label[n, y, x])
        if true == 255:
            continue
        q = torch.exp(z) / torch.exp(z).sum()
        p = q[: num_old + 1].sum() if true == 0 else q[true]
        total, known = total - torch.log(p), known + 1
    return total / known


def plain_distillation(logits: Tensor, teacher: Tensor) -> Tensor:
    """Eq. 8 and 9, a pixel at a time."""
    old, total = teacher.shape[1] - 1, 0
    for n, y, x in torch.cartesian_prod(*(torch.arange(logits.shape[i]) for i in (0, 2, 3))):
        q, p = (
            torch.exp(m[n, :, y, x]) / torch.exp(m[n, :, y, x]).sum() for m in (logits, teacher)
        )
        total = total - p[0] * torch.log(q[0] + q[old + 1 :].sum()) / (old + 1)
        for c in range(1, old + 1):
            total = total - p[c] * torch.log(q[c]) / (old + 1)
    return total / (len(logits) * logits.shape[2] * logits.shape[3])


def both(function, plain, logits: Tensor, *rest) -> list[tuple[Tensor, Tensor]]:
    """Value and gradient of each."""
    results = []
    for each in (function, plain):
        z = logits.clone().requires_grad_()
        value = each(z, *rest)
        results.append((value.detach(), *torch.autograd.grad(value, z)))
    return results


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 3), st.integers(1, 3))
def test_losses_are_those_of_the_paper(seed, num_old, num_new):
    rng = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(2, 1 + num_old + num_new, 3, 2, generator=rng, dtype=torch.float64)
    label = torch.randint(0, 1 + num_old + num_new, (2, 3, 2), generator=rng)
    label[0, 0, 0], label[1, 0, 0] = 255, 0
    found, expected = both(unbiased_cross_entropy, plain_cross_entropy, logits, label, num_old)
    torch.testing.assert_close(found, expected)
    teacher = 3 * torch.randn(2, 1 + num_old, 3, 2, generator=rng, dtype=torch.float64)
    found, expected = both(unbiased_distillation, plain_distillation, logits, teacher)
    torch.testing.assert_close(found, expected)


def value_and_gradient(function, logits: Tensor, *rest) -> tuple[Tensor, Tensor]:
    z = logits.clone().requires_grad_()
    value = function(z, *rest)
    return value.detach(), torch.autograd.grad(value, z)[0].float()


@pytest.mark.parametrize('name', ['voc15_5', 'ade100_50'])
def test_losses_are_those_of_the_programs(name):
    known = case('mib', name)
    logits, num_old = known['logits'], int(known['num_old_classes'])
    void = known['label_with_void']
    assert (void == 255).any() and not (known['label_no_void'] == 255).any()
    unknown = torch.where(void == 255, 0, void)
    terms = dict(
        ce_SUFFIX=(unbiased_cross_entropy, known['label_no_void'], num_old),
        kd_SUFFIX=(unbiased_distillation, known['teacher_logits']),
        ce_SUFFIX_void_counted_in_mean=(unbiased_cross_entropy, void, num_old, False),
        ce_SUFFIX_void_as_unknown=(unbiased_cross_entropy, unknown, num_old),
    )
    for key, (function, *rest) in terms.items():
        value, gradient = value_and_gradient(function, logits, *rest)
        torch.testing.assert_close(value, known[key.replace('SUFFIX', 'value')], msg=key)
        if name == 'voc15_5':
            expected = known[key.replace('SUFFIX', 'grad')]
            torch.testing.assert_close(gradient, expected, rtol=1e-5, atol=1e-9, msg=key)


def test_void_is_ignored_or_unknown_or_counted_as_asked():
    label = torch.randint(0, 2, (2, 8, 8)) * 3
    label[0, 0], label[1, 0] = 255, 0
    maps = [torch.randn(2, 5, 4, 4, dtype=torch.float64)]
    unknown = torch.where(label == 255, 0, label)
    told = head_of('MiBHead', 0).eval().teacher_outputs(maps, student=None)

    def ce_of(step: int, label: Tensor, **changes) -> Tensor:
        teacher = told if step else None
        head = head_of('MiBHead', step, **changes).eval()
        return head.loss(maps, samples_of(label), {}, teacher)['loss_ce']

    counted = dict(type='CrossEntropyLoss', avg_non_ignore=False)
    share = (label != 255).double().mean()
    for step in (0, 1):
        seen = label if step else label.clamp(max=255).where(label != 3, 2)
        ignored = ce_of(step, seen)
        torch.testing.assert_close(ce_of(step, seen, loss_decode=counted), share * ignored)
        as_unknown = ce_of(step, seen, void='unknown')
        torch.testing.assert_close(as_unknown, ce_of(step, torch.where(seen == 255, 0, seen)))
        assert not torch.isclose(as_unknown, ignored)
    assert (unknown != label).any()
    with pytest.raises(ValueError, match="void must be one of .*'unknown'.*, got 'negative'"):
        head_of('MiBHead', 0, void='negative')


def test_a_batch_of_void_costs_nothing():
    logits = torch.randn(1, 4, 2, 2, requires_grad=True)
    for avg_non_ignore in (True, False):
        loss = unbiased_cross_entropy(logits, torch.full((1, 2, 2), 255), 1, avg_non_ignore)
        assert loss == 0 and not torch.autograd.grad(loss, logits)[0].any()


def test_teacher_gets_no_gradient():
    teacher = torch.randn(1, 3, 2, 2, requires_grad=True)
    unbiased_distillation(torch.randn(1, 4, 2, 2, requires_grad=True), teacher).backward()
    assert teacher.grad is None


@pytest.mark.parametrize('name', ['init15_5', 'init100_50'])
def test_initialisation_is_that_of_the_program(name):
    known, part = case('mib', name), 'head.conv_seg'
    head = SimpleNamespace(step=1, new_labels=range(int(known['num_new'])), background=True)
    state = {
        f'{part}.background.weight': known['background_weight'][:, :, None, None],
        f'{part}.background.bias': known['background_bias'],
    }
    fresh = {
        f'{part}.steps.1.weight': known['expected_new_weight'][:, :, None, None] + 1,
        f'{part}.steps.1.bias': known['expected_new_bias'] + 1,
    }
    started = background_start(head, state, 'head', fresh)
    expected = {
        f'{part}.background.weight': known['background_weight'][:, :, None, None],
        f'{part}.background.bias': known['expected_background_bias'],
        f'{part}.steps.1.weight': known['expected_new_weight'][:, :, None, None],
        f'{part}.steps.1.bias': known['expected_new_bias'],
    }
    # The program takes the logarithm in float32.
    torch.testing.assert_close(started, expected, rtol=1e-7, atol=1e-7)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(('2-1', '1-3', '3-1', '2-2')))
def test_initialisation_shares_the_probability_of_the_background(seed, scenario):
    old, new = (head_of('MiBHead', step, scenario) for step in (0, 1))
    state, fresh = ({f'head.{k}': v for k, v in h.state_dict().items()} for h in (old, new))
    grown = new.start_new_classes(state, 'head', fresh)
    assert grown.keys() == fresh.keys()
    new.load_state_dict({k.removeprefix('head.'): v for k, v in grown.items()})
    feature = torch.randn(
        2, 6, 3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    before, after = (h.prediction_of(feature).softmax(1) for h in (old, new))
    channels = before.shape[1]
    torch.testing.assert_close(after[:, 1:channels], before[:, 1:])
    together = after[:, :1] + after[:, channels:].sum(1, keepdim=True)
    torch.testing.assert_close(together, before[:, :1])
    # Nobody of those who share it is ahead.
    torch.testing.assert_close(after[:, channels:], after[:, :1].expand_as(after[:, channels:]))


def test_head_takes_both_terms_at_the_size_of_the_labels():
    old, new = head_of('MiBHead', 0).eval(), head_of('MiBHead', 1, kd_weight=7.0).eval()
    maps = [torch.randn(2, 5, 4, 4, dtype=torch.float64)]
    label = torch.randint(0, 2, (2, 8, 8)) * 3
    label[0, 0] = 255
    told = old.teacher_outputs(maps, student=new)
    losses = new.loss(maps, samples_of(label), {}, told)
    logits, teacher = (
        torch.nn.functional.interpolate(z, (8, 8), mode='bilinear') for z in (new(maps), told)
    )
    assert set(losses) == {'loss_ce', 'loss_kd'}
    torch.testing.assert_close(losses['loss_ce'], plain_cross_entropy(logits, label, num_old=2))
    torch.testing.assert_close(losses['loss_kd'], 7 * plain_distillation(logits, teacher))


# Every pixel shows one of the classes, as in stock models of ADE20K.
BARE = dict(name='2-1', num_classes=4, has_background=False, unlabelled='ignored')


def bare_heads() -> tuple:
    """Old and new head without a background, and the maps of two images."""
    old, new = (
        head_of('MiBHead', step, kd_weight=7.0, scenario=BARE, num_classes=4).eval()
        for step in (0, 1)
    )
    return old, new, [torch.randn(2, 5, 4, 4, dtype=torch.float64)]


def test_without_background_unknown_pixels_are_of_an_old_class_and_new_ones_are_not_distilled():
    old, new, maps = bare_heads()
    label = torch.randint(0, 2, (2, 8, 8)) * 3
    label[0, 0], label[1, 0, :2] = 255, torch.tensor([0, 3])
    losses = new.loss(maps, samples_of(label), {}, old.teacher_outputs(maps, student=new))
    # The plain softmax over old and new classes alone.
    q, p = (
        torch.nn.functional.interpolate(
            head.conv_seg(head.feature(maps))[:, 1:], (8, 8), mode='bilinear'
        ).softmax(1)
        for head in (new, old)
    )
    ce = torch.where(label == 3, -q[:, 2].log(), -q[:, :2].sum(1).log())[label != 255].mean()
    torch.testing.assert_close(losses['loss_ce'], ce)
    kd = -(p * q[:, :2].log()).sum(1)[label == 0].mean() / 3
    torch.testing.assert_close(losses['loss_kd'], 7 * kd)


def test_without_background_step_0_knows_nothing_unlabelled():
    old, _, maps = bare_heads()
    label = torch.randint(0, 3, (2, 8, 8))
    label[0, 0] = 0
    (loss,) = old.loss(maps, samples_of(label), {}).values()
    void = torch.where(label == 0, 255, label)
    (same,) = old.loss(maps, samples_of(void), {}).values()
    logits = torch.nn.functional.interpolate(old(maps)[:, 1:], (8, 8), mode='bilinear')
    torch.testing.assert_close(loss, same)
    expected = torch.nn.functional.cross_entropy(logits, void - 1, ignore_index=254)
    torch.testing.assert_close(loss, expected)


def test_without_background_old_classifiers_stay_and_new_ones_are_fresh():
    old, new, _ = bare_heads()
    state, fresh = ({f'head.{k}': v for k, v in h.state_dict().items()} for h in (old, new))
    grown = new.start_new_classes(state, 'head', fresh)
    assert grown.keys() == fresh.keys() and not any('background' in key for key in grown)
    for key, tensor in grown.items():
        assert torch.equal(tensor, fresh[key] if 'steps.1' in key else state[key]), key


def test_nothing_is_distilled_from_no_pixel():
    logits = torch.randn(1, 4, 2, 2, requires_grad=True)
    loss = unbiased_distillation(logits, torch.randn(1, 3, 2, 2), torch.zeros(1, 2, 2).bool())
    assert loss == 0 and not torch.autograd.grad(loss, logits)[0].any()


def test_step_0_is_fine_tuning():
    label = torch.randint(0, 3, (2, 8, 8))
    label[0, 0] = 255
    maps = [torch.randn(2, 5, 4, 4, dtype=torch.float64)]
    heads = [
        head_of(kind, 0, loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)).eval()
        for kind in ('MiBHead', 'SoftmaxHead')
    ]
    assert heads[0].state_dict().keys() == heads[1].state_dict().keys()
    mib, plain = (head.loss(maps, samples_of(label), {}) for head in heads)
    torch.testing.assert_close(mib, plain)
    expected = plain_cross_entropy(
        torch.nn.functional.interpolate(heads[1](maps), (8, 8), mode='bilinear'), label, 0
    )
    torch.testing.assert_close(plain['loss_ce'], expected)


def test_uncertainty_is_what_the_softmax_leaves():
    head, prediction = head_of('SoftmaxHead', 0), torch.randn(2, 4, 3, 5)
    expected = 1 - prediction.exp() / prediction.exp().sum(1, keepdim=True)
    torch.testing.assert_close(head.uncertainty(prediction), expected)
    torch.testing.assert_close(head.uncertainty(prediction[0]), expected[0])


@pytest.mark.usefixtures('undrawn')
def test_run_hands_over_and_shares_step_0_with_fine_tuning(tiny, tmp_path):
    shared = tmp_path / 'first_steps'
    for name in ('finetune', 'mib'):
        run = Run(tiny(f'{name}/fashion_4-2.py'), tmp_path / name, shared)
        results = run.run([0, 1, 2])
        assert [entry['choices']['method'] for entry in results] == [
            dict(finetune='Softmax', mib='MiB')[name]
        ] * 3
    assert len(list(shared.iterdir())) == 1
