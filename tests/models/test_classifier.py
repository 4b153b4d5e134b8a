"""The classifiers of all steps at once are those of each step."""

import pytest
import torch

from mmseg_dkd.models.classifier import SoftmaxClassifier, StepClassifiers


@pytest.mark.parametrize('sizes', [[3], [4, 1, 1, 2]])
@pytest.mark.parametrize('frozen', [0, 1, 3])
def test_logits_and_gradients_are_those_of_one_convolution_a_step(sizes, frozen):
    torch.manual_seed(0)
    classifier = StepClassifiers(5, sizes).double()
    for step in classifier.steps[:frozen]:
        step.requires_grad_(frozen == len(sizes))
    feature = torch.randn(2, 5, 3, 4, dtype=torch.double, requires_grad=True)
    read = [feature, *(p for p in classifier.parameters() if p.requires_grad)]
    slope = torch.randn(2, sum(sizes), 3, 4, dtype=torch.double)
    logits = classifier(feature)
    expected = torch.cat([step(feature) for step in classifier.steps], dim=1)
    torch.testing.assert_close(logits, expected, rtol=1e-12, atol=1e-12)
    for found, one in zip(
        torch.autograd.grad(logits, read, slope),
        torch.autograd.grad(expected, read, slope),
        strict=True,
    ):
        torch.testing.assert_close(found, one, rtol=1e-12, atol=1e-12)


def test_background_of_a_softmax_comes_first():
    classifier = SoftmaxClassifier(5, [2, 3])
    feature = torch.randn(1, 5, 2, 2)
    parts = [classifier.background, *classifier.steps]
    torch.testing.assert_close(classifier(feature), torch.cat([p(feature) for p in parts], dim=1))
