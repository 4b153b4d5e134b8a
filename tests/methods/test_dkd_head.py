"""DKD on top of several of mmseg's heads."""

import math

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

import mmseg_dkd  # noqa: F401
from mmseg_dkd.models.losses import (
    auxiliary_loss,
    binary_kd_loss,
    decompose_logits,
    decomposed_kd_loss,
    multi_bce_loss,
)

SINGLE = dict(in_channels=6, in_index=0, channels=8)
HEADS = {
    'ASPPHead': dict(SINGLE, dilations=(1, 2)),
    'FCNHead': dict(SINGLE, num_convs=1),
    'SegformerHead': dict(in_channels=[6, 4], in_index=[0, 1], channels=8),
    'OfficialASPPHead': dict(SINGLE, dilations=(1, 2)),
}
TERMS = dict(
    loss_decode=dict(type='MultiBCELoss', pos_weight=2.0),
    loss_kd=dict(type='BinaryKDLoss', loss_weight=3.0),
    loss_dkd=dict(type='DecomposedKDLoss', loss_weight=4.0),
    loss_aux=dict(type='AuxiliaryLoss', loss_weight=0.5),
)
# Three classes, then two, learned neither in ascending order nor all of them yet at step 1.
SCENARIO = dict(name=[[5, 1, 3], [6, 2], [4]], num_classes=6)


@pytest.fixture(autouse=True, scope='module')
def one_thread():
    # More of them only wait for each other in networks as small as these.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def build(base_type: str = 'ASPPHead', step: int = 1, **changes) -> BaseDecodeHead:
    torch.manual_seed(0)
    cfg = dict(type='DKDHead', base_type=base_type, scenario=SCENARIO, step=step, num_classes=7)
    cfg |= dict(norm_cfg=dict(type='BN'), align_corners=False) | HEADS.get(base_type, {}) | TERMS
    head = MODELS.build(cfg | changes)
    # Running statistics unlike those of a new layer, so that eval mode shows.
    for name, buffer in head.named_buffers():
        if 'running' in name:
            buffer.uniform_(0.5, 1.5)
    return head


def maps(seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(2, 6, 8, 10, generator=generator),
        torch.randn(2, 4, 4, 5, generator=generator),
    ]


def samples() -> list[SegDataSample]:
    """Two images of 16 x 20 with unknown (0), the new classes (labels 4, 5) and void (255)."""
    generator = torch.Generator().manual_seed(7)
    labels = torch.tensor([0, 4, 5, 255])[torch.randint(4, (2, 1, 16, 20), generator=generator)]
    return [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]


@pytest.fixture(params=HEADS)
def head(request) -> BaseDecodeHead:
    return build(request.param).eval()


@torch.no_grad()
def test_output_is_a_constant_channel_and_the_seen_classes(head):
    output = head(maps())
    assert output.shape == (2, 1 + 5, 8, 10)
    assert head.out_channels == head.num_classes == 6, 'sliding inference relies on it'
    assert (output[:, 0] == 0).all(), 'logit(0.5) is 0'
    expected = [step(head.feature(maps())) for step in head.conv_seg.steps]
    torch.testing.assert_close(output[:, 1:], torch.cat(expected, dim=1))


@torch.no_grad()
@pytest.mark.parametrize('tau', [0.2, 0.5, 0.7])
@pytest.mark.parametrize('base_type', HEADS)
def test_argmax_is_the_thresholded_decision(base_type, tau):
    head = build(base_type, tau=tau).eval()
    threshold = math.log(tau / (1 - tau))
    for step in head.conv_seg.steps:
        step.weight.normal_()
        step.bias.fill_(threshold - 0.5)
    output = head(maps())
    assert torch.allclose(output[:, 0], torch.tensor(threshold))
    probability = output[:, 1:].sigmoid()
    # Eq. 12: background where no class reaches tau, else the most probable class.
    expected = torch.zeros(2, 8, 10, dtype=torch.long)
    for n, y, x in torch.cartesian_prod(*map(torch.arange, expected.shape)):
        scores = probability[n, :, y, x]
        if scores.max() >= tau:
            expected[n, y, x] = 1 + scores.argmax()
    assert torch.equal(output.argmax(dim=1), expected)
    assert 0 in expected and expected.unique().numel() > 2, 'the test needs several outcomes'


def test_new_classifiers_start_as_mmseg_starts_its_own(head):
    head.init_weights()
    for conv in [*head.conv_seg.steps, head.conv_seg.auxiliary]:
        assert 0 < conv.weight.std() < 0.02 and not conv.bias.any()


def test_labels_of_the_step_follow_the_order_of_learning():
    assert [list(build(step=t).new_labels) for t in range(3)] == [[1, 2, 3], [4, 5], [6]]
    assert build(step=None).step == 2


def test_auxiliary_loss_gives_the_feature_extractor_no_gradient(head):
    head.loss(maps(), samples(), {})['loss_ac'].backward()
    reached = {name for name, p in head.named_parameters() if p.grad is not None}
    assert reached == {'conv_seg.auxiliary.weight', 'conv_seg.auxiliary.bias'}


@pytest.mark.parametrize('step', [0, 1])
def test_without_a_teacher_nothing_is_distilled(step):
    losses = build(step=step).loss(maps(), samples(), {})
    assert set(losses) == {'loss_mbce', 'loss_ac'}


def test_each_term_is_left_out_on_demand():
    teacher = build(step=0).eval()
    for key, name in dict(loss_kd='loss_kd', loss_dkd='loss_dkd', loss_aux='loss_ac').items():
        head = build(**{key: None}, init='random').eval()
        reasoning = teacher.teacher_outputs(maps(), student=head)
        losses = head.loss(maps(), samples(), {}, reasoning)
        assert set(losses) == {'loss_mbce', 'loss_kd', 'loss_dkd', 'loss_ac'} - {name}
        assert (reasoning.logits is None) == (key == 'loss_kd')
        assert (reasoning.pos is None) == (key == 'loss_dkd')


def test_trained_parameters_are_those_that_some_term_reaches(head):
    # Others have no gradient, or one of zeros, and must be out of training: weight decay would
    # shrink them, and distributed training would look for them.
    kinds = [dict(), dict(loss_kd=None), dict(loss_dkd=None), dict(loss_aux=None)]
    kinds.append(dict(loss_kd=None, loss_dkd=None, loss_aux=None))
    base_type = type(head).__name__.removeprefix('DKD')
    for changes in kinds:
        student = build(base_type, **changes, init='random')
        reasoning = build(base_type, step=0).eval().teacher_outputs(maps(), student=student)
        sum(student.loss(maps(), samples(), {}, reasoning).values()).backward()
        trained = {name for name, p in student.named_parameters() if p.requires_grad}
        reached = {n for n, p in student.named_parameters() if p.grad is not None and p.grad.any()}
        assert trained == reached, changes


def test_terms_are_the_weighted_functions_of_student_and_teacher(head):
    teacher = build(type(head).__name__.removeprefix('DKD'), step=0).eval()
    losses = head.loss(maps(), samples(), {}, teacher.teacher_outputs(maps(1), student=head))
    label = torch.cat([sample.gt_sem_seg.data for sample in samples()])
    feature, old_feature = head.feature(maps()), teacher.feature(maps(1))
    first, second = head.conv_seg.steps
    (old_first,) = teacher.conv_seg.steps
    scores = decompose_logits(feature, first.weight)
    old_scores = decompose_logits(old_feature, old_first.weight)
    aux_logits = head.conv_seg.auxiliary(feature)
    expected = dict(
        loss_mbce=multi_bce_loss(second(feature), label, [4, 5], 2.0),
        loss_kd=3 * binary_kd_loss(first(feature), old_first(old_feature), (16, 20)),
        loss_dkd=4 * decomposed_kd_loss(*scores, *old_scores),
        loss_ac=0.5 * auxiliary_loss(aux_logits, (16, 20)),
    )
    torch.testing.assert_close(losses, expected)


def of_one_sign(products: Tensor, sign: int) -> Tensor:
    """Eq. 6 for one class, element by element: ``[N, D, h, w]`` products to ``[N, h, w]``."""
    scores = torch.zeros_like(products[:, 0])
    for n, d, y, x in torch.cartesian_prod(*map(torch.arange, products.shape)):
        if products[n, d, y, x] * sign > 0:
            scores[n, y, x] += products[n, d, y, x]
    return scores


@pytest.mark.parametrize('activation', ['GELU', 'LeakyReLU'])
def test_signed_features_are_split_by_the_sign_of_the_product(activation):
    changes = dict(base_type='FCNHead', act_cfg=dict(type=activation), channels=4)
    student, teacher = build(**changes).eval(), build(step=0, **changes).eval()
    loss, expected = (
        student.loss(maps(), samples(), {}, teacher.teacher_outputs(maps(1), student)),
        0.0,
    )
    features = student.feature(maps()), teacher.feature(maps(1))
    weights = student.conv_seg.steps[0].weight, teacher.conv_seg.steps[0].weight
    assert all((feature < 0).any() and (feature > 0).any() for feature in features)
    with torch.no_grad():
        for c in range(3):
            for sign in (1, -1):
                z, old = (
                    of_one_sign(feature * weight[c], sign)
                    for feature, weight in zip(features, weights, strict=True)
                )
                # Eq. 8, with the weight of this file.
                p, q = z.sigmoid(), old.sigmoid()
                expected -= 4 * (q * p.log() + (1 - q) * (1 - p).log()).mean()
    torch.testing.assert_close(loss['loss_dkd'], expected)


@pytest.mark.parametrize(
    'changes, error, message',
    [
        (dict(num_classes=6), ValueError, 'num_classes=6, .* 6 classes and background: .* to 7'),
        (dict(init='zero'), ValueError, "got 'zero'"),
        (dict(tau=1), ValueError, 'between 0 and 1, got 1'),
        (dict(step=3), ValueError, r'steps 0\.\.2, not 3'),
        (dict(loss_aux=None), ValueError, "give one, .* or init='random'"),
        (dict(sampler=dict(type='OHEMPixelSampler')), ValueError, 'set sampler=None'),
        (dict(loss_decode=dict(type='CrossEntropyLoss')), TypeError, 'is a CrossEntropyLoss, but'),
        (
            dict(loss_decode=[dict(type='MultiBCELoss'), dict(type='DiceLoss')]),
            TypeError,
            'is a ModuleList, but a step learns its classes by one MultiBCELoss',
        ),
    ],
)
def test_unusable_settings_are_refused_by_value(changes, error, message):
    with pytest.raises(error, match=message):
        build(**changes)


def test_data_set_without_background_has_one_class_less():
    scenario = dict(SCENARIO, has_background=False)
    assert build(scenario=scenario, num_classes=6).num_classes == 6
    with pytest.raises(ValueError, match='num_classes=7, .* 6 classes: set it to 6'):
        build(scenario=scenario)
