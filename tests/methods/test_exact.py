"""Exact: only new rows learn, by a logistic regression against the fixed old logits."""

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from torch.nn import functional

from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs import Run
from mmseg_dkd.utils import checkpoint_types
from tests.softmax import HEAD

from .plain import head_of, samples_of

BARE = dict(name='2-1', num_classes=4, has_background=False, unlabelled='ignored')


def maps() -> list[torch.Tensor]:
    torch.manual_seed(3)
    return [torch.randn(2, 5, 4, 4, dtype=torch.float64)]


@pytest.mark.parametrize('background', [True, False])
def test_loss_is_the_logistic_regression_of_a_logit_against_all_old_ones(background):
    changes = {} if background else dict(scenario=BARE, num_classes=4)
    head = head_of('ExactHead', 1, maps=[5], **changes).eval()
    head.cost.fill_(3.0)
    label = torch.randint(0, 2, (2, 8, 8)) * 3
    label[0, 0] = 255
    losses = head.loss(maps(), samples_of(label), {})
    logits = functional.interpolate(head(maps()), (8, 8), mode='bilinear')
    logit = logits[:, 3] - logits[:, :3].logsumexp(1)
    expected = functional.binary_cross_entropy_with_logits(
        logit, (label == 3).double(), reduction='none'
    )
    torch.testing.assert_close(losses['loss_ce'], expected[label != 255].mean())
    square = head.conv_seg.steps[1].conv.weight.square().sum()
    torch.testing.assert_close(losses['loss_norm'], 3 * square)


def test_new_rows_see_the_feature_and_the_maps_centred_and_scaled(tiny):
    model = MODELS.build(step_config(exact(tiny), 1, 'none.pth').model).eval()
    head = model.decode_head
    torch.manual_seed(0)
    # As large as a batch is padded to.
    images = torch.randint(0, 256, (2, 3, 128, 128), dtype=torch.uint8)
    label = torch.zeros(2, 128, 128, dtype=torch.int64)
    label[:, :32], label[:, 32:64] = 5, 255
    with torch.no_grad():
        head.conv_seg.background.bias.fill_(-100)
    batch = dict(inputs=list(images), data_samples=samples_of(label))
    head.before_step(model, [batch] * 3)
    inputs = model.data_preprocessor(dict(inputs=list(images), data_samples=None))['inputs']
    with torch.no_grad():
        found = model.extract_feat(inputs)
        wide = head.feature(found)
        of_base = head.conv_seg.in_channels
        parts = [functional.interpolate(m, wide.shape[2:], mode='bilinear') for m in found]
        assert torch.equal(wide[:, of_base:], torch.cat(parts, 1))
        old = head.conv_seg.background(wide[:, :of_base])
        torch.testing.assert_close(head(found)[:, :1], old)
    rows = head.conv_seg.steps[1]
    torch.testing.assert_close(rows.mean, wide.mean((0, 2, 3)))
    variance = wide.var((0, 2, 3), correction=0)
    torch.testing.assert_close(rows.scale, variance.mean().sqrt())
    # A quarter is new, and of half of the pixels the old model says that they are of its classes.
    torch.testing.assert_close(head.cost, torch.tensor(0.5 * 0.25**2 / 0.5))


def exact(tiny) -> Config:
    cfg = tiny('exact/fashion_4-2.py')
    cfg.model.decode_head.maps = [8, 8, 24, 80]
    return cfg


def test_nothing_old_moves_and_old_channels_are_equal_bit_by_bit(tiny, tmp_path, undrawn):
    Run(exact(tiny), tmp_path).run([0, 1, 2])
    states = [
        checkpoint_types.load(tmp_path / f'step_{step}/iter_2.pth')['state_dict']
        for step in range(3)
    ]
    for before, after in zip(states, states[1:], strict=False):
        for key, tensor in before.items():
            if key != 'decode_head.cost':
                assert torch.equal(tensor, after[key]), key
        assert any(key not in before for key in after)
    new = f'{HEAD}.steps.2.conv.weight'
    assert states[2][new].abs().max() > 0 and states[2]['decode_head.cost'] > 0


def test_all_else_is_frozen_and_in_eval_mode_whatever_the_config_says(tiny):
    cfg = step_config(exact(tiny), 1, 'none.pth')
    cfg.model.train_only = ['decode_head']
    model = MODELS.build(cfg.model).train()
    learning = {name for name, value in model.named_parameters() if value.requires_grad}
    assert learning == {f'{HEAD}.steps.1.conv.weight', f'{HEAD}.steps.1.conv.bias'}
    assert {type(m).__name__ for m in model.modules() if m.training} == {'Conv2d'}
