"""The losses against plain loops and their own derivatives."""

import math
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn.functional import conv2d

from benchmarks import plain_losses
from mmseg_dkd.models.losses import (
    auxiliary_loss,
    binary_kd_loss,
    chunked_bce,
    decompose_logits,
    decomposed_kd_loss,
    multi_bce_loss,
)
from tests.half import HALF, SCALES, check_gradient, compare, gradients


def signed(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_reasoning_scores_are_sums_of_positive_and_negative_products():
    feature, weight = signed(2, 5, 2, 3), signed(4, 5, seed=1)
    pos, neg = decompose_logits(feature, weight)
    for n, c, y, x in product(range(2), range(4), range(2), range(3)):
        products = [float(feature[n, d, y, x] * weight[c, d]) for d in range(5)]
        assert float(pos[n, c, y, x]) == pytest.approx(sum(p for p in products if p > 0), abs=1e-12)
        assert float(neg[n, c, y, x]) == pytest.approx(sum(p for p in products if p < 0), abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(shape=st.tuples(*[st.integers(1, 4)] * 5), seed=st.integers(0, 2**32), four_d=st.booleans())
def test_scores_have_their_signs_and_add_up_to_the_logit(shape, seed, four_d):
    n, c, d, h, w = shape
    feature, weight = signed(n, d, h, w, seed=seed), signed(c, d, seed=seed + 1)
    kernel = weight[..., None, None]
    pos, neg = decompose_logits(feature, kernel if four_d else weight)
    assert (pos >= 0).all() and (neg <= 0).all()
    torch.testing.assert_close(pos + neg, conv2d(feature, kernel), rtol=1e-10, atol=1e-12)


def log_sigmoid(z: float) -> float:
    return -math.log1p(math.exp(-z))


@pytest.mark.parametrize('void, gamma', [('negative', 1.0), ('negative', 2.5), ('ignored', 2.5)])
def test_multi_bce_is_the_plain_sum_over_pixels(void, gamma):
    logits = signed(2, 2, 3, 4)
    label = torch.tensor([0, 3, 7, 255, 3, 1] * 4).reshape(2, 3, 4)
    class_ids = [7, 3]
    total, pixels = 0.0, 0
    for n, y, x in product(range(2), range(3), range(4)):
        if void == 'ignored' and label[n, y, x] == 255:
            continue
        pixels += 1
        for channel, class_id in enumerate(class_ids):
            z = float(logits[n, channel, y, x])
            positive = int(label[n, y, x]) == class_id
            total -= gamma * log_sigmoid(z) if positive else log_sigmoid(-z)
    assert pixels == (20 if void == 'ignored' else 24)
    loss = multi_bce_loss(logits, label, class_ids, gamma, void)
    assert float(loss) == pytest.approx(total / pixels, rel=1e-10)


def test_ignored_void_gives_no_gradient():
    logits = signed(1, 1, 2, 2).requires_grad_()
    label = torch.tensor([[[1, 255], [0, 255]]])
    multi_bce_loss(logits, label, [1], void='ignored').backward()
    assert torch.equal(logits.grad == 0, label[:, None] == 255)


def test_nothing_but_void_is_no_loss_if_ignored():
    logits = signed(1, 1, 2, 2).requires_grad_()
    loss = multi_bce_loss(logits, torch.full((1, 2, 2), 255), [1], void='ignored')
    assert loss.item() == 0 and loss.requires_grad, 'a batch of void must not be NaN'


def test_uint8_labels_count_as_int64_ones():
    logits, label = signed(1, 2, 2, 2), torch.tensor([[[1, 255], [0, 2]]])
    assert multi_bce_loss(logits, label.byte(), [1, 2]) == multi_bce_loss(logits, label, [1, 2])


def test_no_gradient_reaches_the_teacher():
    student, teacher = signed(1, 2, 2, 2).requires_grad_(), signed(1, 2, 2, 2).requires_grad_()
    (
        binary_kd_loss(student, teacher) + decomposed_kd_loss(student, student, teacher, teacher)
    ).backward()
    assert teacher.grad is None and student.grad is not None


def test_distillation_is_least_for_the_teachers_own_logits():
    teacher = signed(1, 2, 3, 3)
    logits = teacher.clone().requires_grad_()
    binary_kd_loss(logits, teacher).backward()
    assert logits.grad.abs().max() < 1e-12


LABEL = torch.tensor([0, 1, 2, 255] * 6).reshape(1, 4, 6)


@pytest.mark.parametrize(
    'cfg, default_weight, function, arguments',
    [
        (
            dict(type='MultiBCELoss', pos_weight=3.0, void='ignored'),
            1.0,
            lambda *a: multi_bce_loss(*a, 3.0, 'ignored'),
            (signed(1, 2, 2, 3), LABEL, range(1, 3)),
        ),
        (
            dict(type='BinaryKDLoss'),
            5.0,
            binary_kd_loss,
            (signed(1, 2, 2, 3), signed(1, 2, 2, 3, seed=1), (4, 6)),
        ),
        (
            dict(type='DecomposedKDLoss'),
            5.0,
            decomposed_kd_loss,
            tuple(signed(1, 2, 2, 3, seed=seed) for seed in range(4)),
        ),
        (dict(type='AuxiliaryLoss'), 1.0, auxiliary_loss, (signed(1, 1, 2, 3), (4, 6))),
    ],
    ids=lambda value: value['type'] if isinstance(value, dict) else '',
)
def test_module_is_weight_times_function(cfg, default_weight, function, arguments):
    plain = function(*arguments)
    assert plain > 0
    torch.testing.assert_close(MODELS.build(dict(cfg))(*arguments), default_weight * plain)
    torch.testing.assert_close(MODELS.build(dict(cfg, loss_weight=0.25))(*arguments), 0.25 * plain)


def test_mismatches_are_refused():
    a, b = signed(1, 2, 2, 2), signed(1, 3, 2, 2)
    with pytest.raises(ValueError, match='2 logit channels for 3 class ids'):
        multi_bce_loss(a, torch.zeros(1, 2, 2).long(), [1, 2, 3])
    with pytest.raises(ValueError, match="got 'background'"):
        multi_bce_loss(a, torch.zeros(1, 2, 2).long(), [1, 2], void='background')
    with pytest.raises(ValueError, match=r'\(1, 2, 2, 2\), those of the teacher \(1, 3'):
        binary_kd_loss(a, b)
    for arguments in product([a, b], repeat=4):
        if any(arguments[i] is a and arguments[i + 2] is b for i in (0, 1)):
            with pytest.raises(ValueError, match='those of the teacher'):
                decomposed_kd_loss(*arguments)


def test_derivatives_agree_with_finite_differences():
    # Drawn away from 0, where Eq. 6 has a corner.
    feature = (signed(1, 3, 2, 2) + signed(1, 3, 2, 2).sign() * 0.1).requires_grad_()
    weight = (signed(2, 3, seed=1) + signed(2, 3, seed=1).sign() * 0.1).requires_grad_()
    teacher = [signed(1, 2, 2, 2, seed=seed) for seed in (2, 3, 4)]

    def total(feature, weight):
        logits = conv2d(feature, weight[..., None, None])
        return (
            multi_bce_loss(logits, LABEL, [1, 2], 2.0, 'ignored')
            + binary_kd_loss(logits, teacher[0], (4, 6))
            + decomposed_kd_loss(*decompose_logits(feature, weight), *teacher[1:])
            + auxiliary_loss(logits[:, :1], (4, 6))
        )

    assert torch.autograd.gradcheck(total, (feature, weight))


@pytest.mark.parametrize('dtype, rtol', [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize('chunk', [1, 700, 10**9])
def test_chunks_equal_the_plain_formulation_with_gradients(dtype, rtol, chunk, monkeypatch):
    monkeypatch.setitem(chunked_bce.CHUNK, 'cpu', chunk)
    logits, teacher = (signed(2, 5, 4, 6, seed=s).to(dtype).requires_grad_() for s in (0, 1))
    label = torch.randint(0, 8, (2, 19, 23), generator=torch.Generator().manual_seed(2))
    for ours, plain in (
        (
            multi_bce_loss(logits, label, [1, 2, 3, 4, 5], 2.5),
            plain_losses.multi_bce_loss(logits, label, [1, 2, 3, 4, 5], 2.5),
        ),
        (
            binary_kd_loss(logits, teacher, (19, 23)),
            plain_losses.binary_kd_loss(logits, teacher.detach(), (19, 23)),
        ),
    ):
        torch.testing.assert_close(ours, plain, rtol=rtol, atol=0)
        (mine,) = torch.autograd.grad(3 * ours, logits)
        (expected,) = torch.autograd.grad(3 * plain, logits)
        torch.testing.assert_close(
            mine, expected, rtol=rtol, atol=rtol * float(expected.abs().max())
        )


def test_a_loss_may_be_used_twice_in_one_graph():
    logits = signed(1, 2, 3, 3).requires_grad_()
    loss = auxiliary_loss(logits, (7, 7))
    (once,) = torch.autograd.grad(loss, logits, retain_graph=True)
    (twice,) = torch.autograd.grad(loss + loss, logits, retain_graph=True)
    torch.testing.assert_close(twice, 2 * once)
    torch.testing.assert_close(torch.autograd.grad(loss, logits)[0], once)


@pytest.mark.parametrize('dtype', HALF, ids=str)
@pytest.mark.parametrize('difference', [0.03, 0.003, 0.001])
def test_half_precision_distils_small_differences(dtype, difference):
    # At the size of a batch on VOC.
    teacher = signed(8, 1, 32, 32).to(dtype)
    student = teacher.double() + difference * signed(8, 1, 32, 32, seed=1)
    compare(lambda z: binary_kd_loss(z, teacher.to(z), (512, 512)), [student], dtype)


@pytest.mark.parametrize('dtype', HALF, ids=str)
def test_half_precision_learns_from_certain_negatives(dtype):
    label = torch.zeros(8, 512, 512, dtype=torch.uint8)
    compare(lambda z: multi_bce_loss(z, label, [1]), [signed(8, 1, 32, 32) - 10], dtype)


@pytest.mark.parametrize('dtype', HALF, ids=str)
def test_half_precision_scores_are_distilled(dtype):
    told = [sign * signed(4, 20, 16, 16, seed=s).relu() for s, sign in ((0, 3), (1, -3))]
    scores = [t + 0.01 * signed(4, 20, 16, 16, seed=s) for s, t in enumerate(told, 2)]
    compare(
        lambda pos, neg: decomposed_kd_loss(pos, neg, *(t.to(dtype).to(pos) for t in told)),
        scores,
        dtype,
    )


@pytest.mark.parametrize('dtype', HALF, ids=str)
def test_autocast_changes_no_loss(dtype):
    logits, teacher = (signed(2, 3, 4, 4, seed=s).float() for s in (0, 1))
    (alone,) = gradients(binary_kd_loss(logits.requires_grad_(), teacher, (16, 16)), [logits])
    cast = logits.to(dtype)
    wide = cast.detach().double().requires_grad_()
    (exact,) = gradients(binary_kd_loss(wide, teacher, (16, 16)), [wide])
    with torch.autocast('cpu', dtype=dtype):
        # As a head gives them that autocast leaves alone, and one that it does not.
        single, half = (binary_kd_loss(z, teacher, (16, 16)) for z in (logits, cast))
    assert single.dtype == half.dtype == torch.float32
    torch.testing.assert_close(gradients(single, [logits])[0], alone, rtol=0, atol=0)
    for scale in SCALES:
        (found,) = gradients(half * scale, [logits])
        assert found.dtype == torch.float32
        check_gradient(found.to(dtype), exact, scale)


def test_of_the_logits_of_all_classes_each_loss_takes_its_own():
    logits, label = signed(2, 5, 3, 3), torch.randint(0, 6, (2, 6, 6))
    torch.testing.assert_close(
        multi_bce_loss(logits, label, [4, 5], 2.0),
        multi_bce_loss(logits[:, 3:], label, [4, 5], 2.0),
    )
    teacher = signed(2, 3, 3, 3, seed=1)
    torch.testing.assert_close(
        binary_kd_loss(logits, teacher, (6, 6)), binary_kd_loss(logits[:, :3], teacher, (6, 6))
    )
