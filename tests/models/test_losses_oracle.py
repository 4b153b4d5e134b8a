"""One training step at small size against the results of the authors' program, in float64."""

import math

import numpy as np
import pytest
import torch

from benchmarks.plain_losses import upsample
from mmseg_dkd.methods.dkd import DKDClassifier
from mmseg_dkd.models.losses import (
    auxiliary_loss,
    binary_kd_loss,
    decompose_logits,
    decomposed_kd_loss,
    multi_bce_loss,
)
from tests.oracle import ORACLE

STEPS = ['step0_15', 'step1_15-5', 'step3_15-1', 'step1_ade_like']


class Expected(dict):
    """Arrays of one file as tensors; those rounded to float32 are float64 again."""

    def __init__(self, name: str) -> None:
        with np.load(ORACLE / f'{name}.npz') as stored:
            super().__init__({key: torch.from_numpy(stored[key]) for key in stored.files})
        self.update({k: v.double() for k, v in self.items() if v.is_floating_point()})
        self.sizes = self['classes_per_step'].tolist()
        self.num_old = sum(self.sizes[:-1])


@pytest.fixture(scope='module', params=STEPS)
def expected(request) -> Expected:
    return Expected(request.param)


def classifier_of(weight, bias, sizes, aux_weight=None, aux_bias=None) -> DKDClassifier:
    classifier = DKDClassifier(weight.shape[1], sizes).double()
    with torch.no_grad():
        parts = zip(classifier.steps, weight.split(sizes), bias.split(sizes), strict=True)
        for step, step_weight, step_bias in parts:
            step.weight.copy_(step_weight[..., None, None])
            step.bias.copy_(step_bias)
        if aux_weight is not None:
            classifier.auxiliary.weight.copy_(aux_weight[..., None, None])
            classifier.auxiliary.bias.copy_(aux_bias)
    return classifier


@pytest.fixture(scope='module')
def computed(expected) -> dict:
    """The same step by our own code, under the oracle's names."""
    feat = expected['feat'].clone().requires_grad_()
    keys = ('weight', 'bias')
    classifier = classifier_of(
        *(expected[k] for k in keys),
        expected.sizes,
        expected['aux_weight'],
        expected['aux_bias'],
    )
    label, old = expected['label'], expected.num_old
    size = label.shape[1:]
    logits = classifier(feat)
    aux_logits = classifier.auxiliary(feat.detach())
    new_ids = range(old + 1, sum(expected.sizes) + 1)
    result = dict(
        logits_up=upsample(logits, size),
        aux_logit_up=upsample(aux_logits, size),
        loss_mbce=multi_bce_loss(logits[:, old:], label, new_ids, expected['gamma'].item()),
        loss_ac=auxiliary_loss(aux_logits, size),
    )
    result['pos'], result['neg'] = decompose_logits(
        feat, torch.cat([step.weight for step in classifier.steps])
    )
    total = result['loss_mbce'] + result['loss_ac']
    if old:
        teacher = classifier_of(*(expected[f'{k}_old'] for k in keys), expected.sizes[:-1])
        old_logits = teacher(expected['feat_old'])
        old_weight = torch.cat([step.weight for step in teacher.steps])
        old_pos, old_neg = decompose_logits(expected['feat_old'], old_weight)
        pos, neg = decompose_logits(feat, classifier.old_weight)
        result |= dict(
            old_logits_up=upsample(old_logits, size),
            old_pos=old_pos,
            old_neg=old_neg,
            loss_kd=binary_kd_loss(logits[:, :old], old_logits, size),
            loss_dkd_pos=binary_kd_loss(pos, old_pos),
            loss_dkd_neg=binary_kd_loss(neg, old_neg),
        )
        dkd = decomposed_kd_loss(pos, neg, old_pos, old_neg)
        total = total + 5 * result['loss_kd'] + 5 * dkd
    total.backward()
    return result | dict(
        loss_total=total,
        grad_feat=feat.grad,
        grad_weight=torch.cat([step.weight.grad for step in classifier.steps]).flatten(1),
        grad_bias=torch.cat([step.bias.grad for step in classifier.steps]),
        grad_aux_weight=classifier.auxiliary.weight.grad.flatten(1),
        grad_aux_bias=classifier.auxiliary.bias.grad,
    )


def assert_close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    assert actual.dtype == torch.float64, 'precision was lost on the way'
    # With the 6e-8 by which stored maps were rounded it is within 1e-6 of the program's value.
    torch.testing.assert_close(actual, expected, rtol=9e-7, atol=1e-12)


RESULTS = (
    'logits_up aux_logit_up pos neg old_logits_up old_pos old_neg loss_mbce loss_ac loss_kd '
    'loss_dkd_pos loss_dkd_neg loss_total grad_weight grad_bias grad_aux_weight grad_aux_bias'
).split()


@pytest.mark.parametrize('key', RESULTS)
def test_value_equals_the_authors_program(expected, computed, key):
    assert (key in expected) == (key in computed), f'{key} belongs to steps after the first'
    if key in expected:
        assert_close(computed[key], expected[key])


def test_feature_gradient_equals_the_authors_program(expected, computed):
    # At exact zeros the two splits have different subgradients; the ReLU before stops both.
    active = expected['feat'] > 0
    assert 0.1 < active.double().mean() < 1, 'the oracle holds features after a ReLU'
    assert_close(computed['grad_feat'][active], expected['grad_feat'][active])


def test_prediction_equals_the_authors_program(expected, computed):
    logits = computed['logits_up']
    tau = 0.5
    background = torch.full_like(logits[:, :1], math.log(tau / (1 - tau)))
    prediction = torch.cat([background, logits], dim=1).argmax(dim=1)
    assert torch.equal(prediction, expected['prediction'])
