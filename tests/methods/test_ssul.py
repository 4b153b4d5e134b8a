"""SSUL against loops over pixels, what it freezes and where its new classes start."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mmseg_dkd.engine import hand_over
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.methods.ssul.labels import SALIENT, with_pseudo_labels, with_unknown
from mmseg_dkd.models.losses import MultiBCELoss
from mmseg_dkd.runs import Run
from mmseg_dkd.utils import checkpoint_types
from tests.oracle import case

from .plain import head_of, samples_of

TRAINED = tuple(f'decode_head.conv_seg.{part}.' for part in ('unknown', 'background', 'steps.1'))


def sigmoid(z: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-z))


def pixels(label: Tensor) -> list[tuple[int, int, int]]:
    return torch.cartesian_prod(*map(torch.arange, label.shape)).tolist()


def plain_channels(
    label: Tensor,
    unlabelled_is_unknown: bool,
    teacher: Tensor | None = None,
    threshold: float = 0.7,
) -> dict[tuple[int, int, int], int]:
    """The one positive channel of each pixel that is not void: 0 unknown, 1 background, classes.

    ``teacher``: logits at the size of the labels.
    """
    channels = {}
    for n, y, x in pixels(label):
        value = int(label[n, y, x])
        if value == 255:
            continue
        if value == 254 or (value == 0 and unlabelled_is_unknown):
            channel = 0
        else:
            channel = value + 1
        if channel <= 1 and teacher is not None:
            scores = sigmoid(teacher[n, :, y, x]).tolist()
            best = max(range(len(scores)), key=scores.__getitem__)
            if best > 1 and scores[best] >= threshold:
                channel = best
        channels[n, y, x] = channel
    return channels


def plain_loss(logits: Tensor, channels: dict[tuple[int, int, int], int]) -> Tensor:
    total = 0
    for (n, y, x), positive in channels.items():
        for channel, z in enumerate(logits[n, :, y, x]):
            p = sigmoid(z) if channel == positive else 1 - sigmoid(z)
            total = total - torch.log(p)
    return total / len(channels)


def some_labels(num_old: int, num_new: int, seed: int, size: tuple = (2, 3, 4)) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    values = torch.tensor([0, 0, 254, 255, *range(num_old + 1, num_old + num_new + 1)])
    return values[torch.randint(len(values), size, generator=rng)]


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(1, 4), st.booleans(), st.sampled_from((0.3, 0.7, 1.0))
)
def test_targets_are_those_of_the_paper(seed, num_old, unlabelled_is_unknown, threshold):
    label = some_labels(num_old, 2, seed)
    rng = torch.Generator().manual_seed(seed)
    teacher = 3 * torch.randn(2, 2 + num_old, 3, 4, generator=rng, dtype=torch.float64)
    for told in (None, teacher):
        target = with_unknown(label, unlabelled_is_unknown)
        if told is not None:
            target = with_pseudo_labels(target, told, threshold)
        found = {
            (n, y, x): int(target[n, y, x]) - 1
            for n, y, x in pixels(label)
            if target[n, y, x] != 255
        }
        assert found == plain_channels(label, unlabelled_is_unknown, told, threshold)


@pytest.mark.parametrize('unknown', ['salient', 'unlabelled'])
@pytest.mark.parametrize('step', [0, 1])
def test_loss_is_the_sum_over_channels_at_the_size_of_the_labels(unknown, step):
    head = head_of('SSULHead', step, unknown=unknown).eval()
    maps = [torch.randn(2, 5, 4, 4, dtype=torch.float64)]
    # Images of a memory are labelled with old classes as well.
    label = some_labels(0, 2 + step, seed=step, size=(2, 8, 8))
    assert {0, 254, 255} <= set(label.unique().tolist())
    told = upsampled = None
    if step:
        told = 2 * head_of('SSULHead', 0).eval().teacher_outputs(maps, student=head).detach()
        upsampled = interpolate(told, (8, 8), mode='bilinear')
    channels = plain_channels(label, unknown == 'unlabelled', upsampled)
    if step:
        assert set(channels.values()) & {2, 3}, 'the test needs pseudo labels'
    found = head.loss(maps, samples_of(label), {}, told)
    assert set(found) == {'loss_mbce'}
    logits = interpolate(head.conv_seg(head.feature(maps)), (8, 8), mode='bilinear')
    assert logits.shape[1] == 4 + step
    expected = plain_loss(logits, channels)
    torch.testing.assert_close(found['loss_mbce'], expected)
    parameters = list(head.parameters())
    torch.testing.assert_close(
        torch.autograd.grad(found['loss_mbce'], parameters),
        torch.autograd.grad(expected, parameters),
    )


@pytest.mark.parametrize(('name', 'num_old'), [('voc15_5', 15), ('ade100_50', 100)])
def test_targets_loss_and_prediction_are_those_of_the_program(name, num_old):
    known, voc = case('ssul', f'loss_{name}'), name == 'voc15_5'
    truth = known['ground_truth'][None]
    # What the step labels.
    label = torch.where((truth > num_old) | (truth == 255), truth, 0)
    if voc:
        label[(label == 0) & (known['saliency'][None] > 0)] = SALIENT
    target = with_unknown(label, unlabelled_is_unknown=not voc)
    channels = torch.where(target == 255, 255, target - 1)
    assert torch.equal(channels[0], known['target_channels_from_0'])

    target = with_pseudo_labels(target, known['old_logits'], known['pseudo_threshold'].item())
    logits = known['logits'].requires_grad_()
    loss = MultiBCELoss(void='ignored')(logits, target, range(1, 1 + logits.shape[1]))
    # The program computes in float32.
    torch.testing.assert_close(loss.float(), known['expected_loss'], rtol=1e-6, atol=0)
    if voc:
        (gradient,) = torch.autograd.grad(loss, logits)
        torch.testing.assert_close(gradient.float(), known['expected_grad'], rtol=1e-4, atol=1e-7)
    found = predicted(logits.detach(), (12, 12), 'logits')
    assert torch.equal(found, known['expected_prediction_by_program'])


def predicted(logits: Tensor, size: tuple[int, int], resized: str) -> Tensor:
    """Labels ``[N, H, W]`` by a head whose logits are these."""
    head = head_of('SSULHead', 1, resized=resized).eval()
    head.conv_seg.forward = lambda feature: logits
    maps = [torch.zeros(1, 5, *logits.shape[2:], dtype=torch.float64)]
    return head.predict(maps, [dict(img_shape=size)], {}).argmax(1)


def test_logits_or_scores_are_resized_as_asked():
    known = case('ssul', 'prediction_small')
    size = tuple(known['size'].tolist())
    for resized, expected in dict(logits='expected_label', scores='our_label').items():
        found = predicted(known['logits'], size, resized)
        assert torch.equal(found[0, 0], known[expected])
    assert not torch.equal(known['expected_label'], known['our_label'])


def test_prediction_adds_the_unknown_to_the_background():
    head = head_of('SSULHead', 1).eval()
    feature = torch.randn(2, 6, 5, 7, dtype=torch.float64)
    scores = sigmoid(head.conv_seg(feature))
    expected = torch.cat([scores[:, :1] + scores[:, 1:2], scores[:, 2:]], 1)
    prediction = head.prediction_of(feature)
    torch.testing.assert_close(1 - head.uncertainty(prediction), expected)
    torch.testing.assert_close(1 - head.uncertainty(prediction[0]), expected[0])
    label = prediction.argmax(1)
    assert torch.equal(label, expected.argmax(1))
    changed = scores[:, 1:].argmax(1) != label
    assert changed.any(), 'the test needs a pixel that the unknown makes background'


def test_surer_of_two_nearly_certain_scores_wins():
    head = head_of('SSULHead', 0).float().eval()
    for group, logit in zip(
        (head.conv_seg.unknown, head.conv_seg.background, head.conv_seg.steps[0]),
        (-60.0, 25.0, 30.0),
        strict=True,
    ):
        nn.init.zeros_(group[-1].weight)
        nn.init.constant_(group[-1].bias, logit)
    assert (head.prediction_of(torch.zeros(1, 6, 2, 2)).argmax(1) == 1).all()


def test_half_precision_is_only_for_the_network():
    head = head_of('SSULHead', 1).float()
    maps, label = [torch.randn(2, 5, 4, 4)], some_labels(2, 1, 0, (2, 8, 8))
    with torch.autocast('cpu', torch.bfloat16):
        told = head_of('SSULHead', 0).float().teacher_outputs(maps, student=head)
        loss = head.loss(maps, samples_of(label), {}, told)['loss_mbce']
        prediction = head(maps)
    assert told.dtype == loss.dtype == prediction.dtype == torch.float32
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())


@pytest.mark.parametrize('scenario', ['2-1', '1-3'])
def test_new_classes_start_as_the_unknown(scenario):
    old, new = (head_of('SSULHead', step, scenario) for step in (0, 1))
    for norm in (m for m in old.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.normal_(norm.running_mean)
        nn.init.uniform_(norm.running_var, 0.5, 2)
    state, fresh = ({f'head.{k}': v for k, v in h.state_dict().items()} for h in (old, new))
    before = {key: value.clone() for key, value in state.items()}
    grown = new.start_new_classes(state, 'head', fresh)
    assert grown.keys() == fresh.keys()
    new.load_state_dict({k.removeprefix('head.'): v for k, v in grown.items()})
    feature = torch.randn(2, 6, 4, 4, dtype=torch.float64)
    was, now = old.eval().conv_seg(feature), new.eval().conv_seg(feature)
    torch.testing.assert_close(now[:, : was.shape[1]], was)
    unknown = was[:, :1].expand(-1, now.shape[1] - was.shape[1], -1, -1)
    torch.testing.assert_close(now[:, was.shape[1] :], unknown)
    assert all(torch.equal(state[key], value) for key, value in before.items())


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(unknown='all'), "unknown must be one of .* got 'all'"),
        (dict(pseudo_threshold=0), 'pseudo_threshold must be in'),
        (dict(pseudo_threshold=1.1), 'pseudo_threshold must be in'),
        (dict(resized='labels'), "resized must be one of .* got 'labels'"),
    ],
)
def test_wrong_arguments_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        head_of('SSULHead', 0, **changes)


def test_initialisation_keeps_the_norms():
    head = head_of('SSULHead', 1)
    head.init_weights()
    for name, module in head.conv_seg.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all() and (module.bias == 0).all(), name
        if isinstance(module, nn.Conv2d):
            assert 0 < module.weight.std() < (1 if module.kernel_size == (3, 3) else 0.05), name


def test_later_steps_train_the_new_the_unknown_and_the_background(tiny):
    cfg = tiny('ssul/fashion_4-2.py')
    torch.manual_seed(0)
    first = revert_sync_batchnorm(MODELS.build(step_config(cfg, 0).model)).train()
    label = some_labels(0, 4, 0, (2, 64, 64))
    samples, images = samples_of(label), torch.randn(2, 3, 64, 64)
    sum(first.loss(images, samples).values()).backward()
    assert all(p.grad is not None for p in first.parameters()), 'all processes need all gradients'
    first = first.state_dict()
    model_cfg = step_config(cfg, 1).model
    model = revert_sync_batchnorm(MODELS.build(model_cfg))
    model.load_state_dict(hand_over.start_state(first, model))
    model.set_teacher(hand_over.build_teacher(model_cfg, first, 0, torch.device('cpu')))
    before = copy.deepcopy(model.train().state_dict())
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    sum(model.loss(images, samples).values()).backward()
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trained == {name for name, p in model.named_parameters() if p.grad is not None}
    assert all(name.startswith(TRAINED) and '.bn.' not in name for name in trained)
    optimizer.step()
    changed = {name for name, value in model.state_dict().items() if (value != before[name]).any()}
    assert changed == trained and len(trained) == 9


@pytest.mark.usefixtures('undrawn')
def test_run_with_a_memory_hands_over(tiny, tmp_path):
    results = Run(tiny('ssul_m/fashion_4-2.py'), tmp_path).run([0, 1])
    assert [entry['choices']['method'] for entry in results] == ['SSUL', 'SSUL']
    choices = results[1]['choices']
    assert choices['unknown'] == 'unlabelled' and choices['memory'] == 24
    assert choices['memory_share'] == 0.5 and choices['memory_labels'] == 'seen'
    before, after = (
        checkpoint_types.load(tmp_path / f'step_{step}/iter_2.pth')['state_dict'] for step in (0, 1)
    )
    for key, value in before.items():
        assert torch.equal(value, after[key]) or key.startswith(TRAINED), key
