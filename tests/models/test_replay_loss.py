"""Eq. 3 for the labelled classes of the memory, against loops."""

import math

import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

import mmseg_dkd  # noqa: F401
from mmseg_dkd.models.losses import replay_loss


def plain(logits, label, labelled, pos_weight):
    total = 0.0
    for n in range(len(label)):
        for labels, rows in labelled:
            for c in labels if n in rows else ():
                for i, target in enumerate(label[n].flatten().tolist()):
                    p = 1 / (1 + math.exp(-logits[n, c - 1].flatten()[i].item()))
                    total -= pos_weight * math.log(p) if target == c else math.log(1 - p)
    return total / label.numel()


@pytest.mark.parametrize('labelled', [[], [(range(1, 3), [1])]])
def test_logits_whose_sum_overflows_half_precision_are_no_loss(labelled):
    logits = torch.full((2, 4, 100, 100), -10.0, dtype=torch.float16, requires_grad=True)
    loss = replay_loss(logits, torch.zeros(2, 100, 100).long(), labelled)
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all()


@pytest.mark.parametrize(
    'labelled',
    [
        [(range(1, 3), [0, 2])],
        [(range(1, 3), [1]), (range(3, 4), [0, 1, 3])],
        [],
    ],
)
def test_value_is_that_of_the_definition(labelled):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 5, 6, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    label = torch.randint(0, 6, (4, 6, 7), generator=generator)
    label[:, 0] = 255
    loss = replay_loss(logits, label, labelled, pos_weight=2.5)
    assert loss.item() == pytest.approx(plain(logits, label, labelled, 2.5), rel=1e-9)
    loss.backward()
    touched = {(n, c) for n in range(4) for c in range(5) if logits.grad[n, c].any()}
    assert touched == {(n, c - 1) for labels, rows in labelled for n in rows for c in labels}


def test_head_reads_the_labelled_steps_of_every_sample():
    init_default_scope('mmseg')
    head = MODELS.build(
        dict(
            type='DKDHead', base_type='FCNHead', num_convs=0, concat_input=False, in_channels=4,
            channels=4, num_classes=6, scenario=dict(name='2-1', num_classes=5), step=2,
            init='random',
            loss_decode=dict(type='MultiBCELoss'), loss_replay=dict(type='ReplayLoss'),
        )
    )  # fmt: skip
    torch.manual_seed(0)
    feature = torch.randn(3, 4, 5, 5)
    samples = [
        SegDataSample(metainfo=dict(m))
        for m in ({}, {'labelled_steps': (0, 1)}, {'labelled_steps': (1,)})
    ]
    label = torch.randint(0, 5, (3, 5, 5))
    for sample, mask in zip(samples, label, strict=True):
        sample.gt_sem_seg = PixelData(data=mask[None])
    losses = head.loss_by_feat(feature, samples)
    labelled = [(range(1, 3), [1]), (range(3, 4), [1, 2])]
    expected = plain(head.conv_seg(feature), label, labelled, 1.0)
    assert losses['loss_replay'].item() == pytest.approx(expected, rel=1e-5)
    # What has no loss term has no gradient; old classifiers have one here.
    assert all(p.requires_grad for step in head.conv_seg.steps for p in step.parameters())
