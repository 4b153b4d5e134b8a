"""Pseudo labels against loops over pixels, and medians against sorted entropies."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import InfiniteSampler, pseudo_collate
from torch import Tensor
from torch.utils.data import DataLoader

from mmseg_dkd.methods.plop.pseudo_labels import (
    RULES,
    count_entropies,
    median_entropies,
    medians_of_program,
    normalised_entropy,
    once_through,
    pseudo_cross_entropy,
    pseudo_labels,
)
from tests.oracle import case

from .test_mib import both

SEEDS = st.integers(0, 2**32 - 1)


def plain_entropy(z: Tensor) -> Tensor:
    """Of one pixel's logits."""
    q = torch.exp(z) / torch.exp(z).sum()
    return -sum(p * torch.log(p) for p in q) / math.log(len(q))


def plain_pseudo_labels(logits: Tensor, thresholds: Tensor) -> Tensor:
    """A pixel at a time."""
    label = torch.full((len(logits), *logits.shape[2:]), 255)
    for n, y, x in torch.cartesian_prod(*map(torch.arange, label.shape)):
        z = logits[n, :, y, x]
        c = max(range(len(z)), key=lambda k, z=z: z[k].item())
        if plain_entropy(z) < thresholds[c]:
            label[n, y, x] = c
    return label


def plain_cross_entropy(logits: Tensor, label: Tensor, pseudo: Tensor) -> Tensor:
    """An image, and a pixel, at a time."""
    total, known = 0, 0
    for z, true, guess in zip(logits, label, pseudo, strict=True):
        own, unknown, certain = 0, 0, 0
        for y, x in torch.cartesian_prod(*map(torch.arange, true.shape)):
            if true[y, x] == 255:
                continue
            known += 1
            target = true[y, x]
            if true[y, x] == 0:
                unknown += 1
                target = guess[y, x]
                certain += int(target != 255)
            if target != 255:
                own = own - torch.log(torch.exp(z[target, y, x]) / torch.exp(z[:, y, x]).sum())
        total = total + (certain / unknown if unknown else 0) * own
    return total / known


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(1, 3), st.floats(0.1, 5))
def test_labels_are_given_where_the_entropy_is_low(seed, num_old, scale):
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 1 + num_old, 3, 4, generator=rng, dtype=torch.float64) * scale
    thresholds = torch.rand(1 + num_old, generator=rng)
    found = pseudo_labels(logits, thresholds)
    assert torch.equal(found, plain_pseudo_labels(logits, thresholds))


def test_entropy_is_that_of_the_softmax_from_nothing_to_one():
    logits = torch.tensor([[0.0, 0, 0], [500, -500, -500], [1, 2, 4]])[:, :, None, None].double()
    entropy = normalised_entropy(logits)[:, 0, 0]
    torch.testing.assert_close(entropy[:2], torch.tensor([1.0, 0.0]).double())
    torch.testing.assert_close(entropy[2], plain_entropy(logits[2, :, 0, 0]))
    assert normalised_entropy(logits.half()).dtype == torch.float32


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(1, 2), st.integers(1, 2))
def test_cross_entropy_is_that_of_the_paper(seed, num_old, num_new):
    rng = torch.Generator().manual_seed(seed)
    channels = 1 + num_old + num_new
    logits = 3 * torch.randn(3, channels, 3, 2, generator=rng, dtype=torch.float64)
    label = torch.randint(0, 1 + num_new, (3, 3, 2), generator=rng)
    label[label > 0] += num_old
    label[0, 0, 0], label[0, 0, 1] = 255, 0
    # Nothing is unknown in the last image.
    label[2] = channels - 1
    pseudo = torch.randint(0, 2 + num_old, (3, 3, 2), generator=rng)
    pseudo[pseudo == 1 + num_old] = 255
    found, expected = both(pseudo_cross_entropy, plain_cross_entropy, logits, label, pseudo)
    torch.testing.assert_close(found, expected)


def test_no_pseudo_label_no_loss_but_a_gradient():
    logits = torch.randn(2, 4, 2, 2, requires_grad=True)
    label = torch.tensor([0, 3])[:, None, None].expand(2, 2, 2).clone()
    label[1, 0] = 0
    for given_label in (label, torch.full_like(label, 255)):
        loss = pseudo_cross_entropy(logits, given_label, torch.full_like(label, 255))
        (gradient,) = torch.autograd.grad(loss, logits)
        assert loss == 0 and not gradient.any()


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(0.1, 20))
def test_medians_are_those_of_the_sorted_entropies(seed, scale):
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(4, 5, 7, 6, generator=rng) * scale
    logits[:, 4] = -100  # a class that nothing looks like
    where = torch.rand(4, 7, 6, generator=rng) < 0.7
    bins = RULES['median'].bins
    counts = sum(
        count_entropies(logits[part], where[part], bins) for part in (slice(2), slice(2, 4))
    )
    assert counts.sum() == where.sum()
    medians = median_entropies(counts)
    entropy, label = normalised_entropy(logits)[where], logits.argmax(1)[where]
    for c in range(5):
        of_class = entropy[label == c]
        expected = of_class.median().item() if len(of_class) else 0.0
        assert abs(medians[c].item() - expected) < 5.1e-5


@pytest.mark.parametrize('name', ['K16_C21', 'K101_C151'])
def test_thresholds_are_those_of_definition_and_program(name):
    known = case('plop', f'thresholds_{name}')
    logits, K = known['logits'], known['logits'].shape[1]
    torch.testing.assert_close(normalised_entropy(logits)[0, :, 0], known['normalised_entropy'])
    unit = K * math.log(int(name.split('C')[1]))
    everywhere = torch.ones(1, 6, 1, dtype=torch.bool)
    found = {}
    for rule, scale in dict(median=1.0, program=unit).items():
        counts = count_entropies(logits, everywhere, RULES[rule].bins, scale)
        found[rule] = scale * RULES[rule].medians(counts)[0].double().item()
    assert found['median'] == pytest.approx(known['median_by_definition_lower'].item(), abs=6e-5)
    program = known['threshold_of_program_in_normalised_entropy'].item()
    assert found['program'] == pytest.approx(program, rel=1e-6)
    for rule, key in dict(median='definition', program='program').items():
        # The median is known to half a bin, and one of the pixels has it.
        thresholds = torch.full((K,), found[rule] + 6e-5)
        labelled = pseudo_labels(logits, thresholds)[0, :, 0] == 0
        assert torch.equal(labelled, known[f'accepted_by_{key}'])


def test_program_stops_at_the_first_bin_with_half_of_the_pixels():
    counts = torch.zeros(5, 100, dtype=torch.long)
    counts[0, :2] = torch.tensor([8, 2])
    # After bins 0 and 1 the program has passed 0 + 1 pixels.
    counts[1, :3] = torch.tensor([2, 2, 6])
    counts[2, 60:70] = 10_000
    counts[4, 99] = 7
    expected = [0.01 * 5 / 8, 0.02 + 0.01 * 4 / 6, 1.0, 0.0, 1.0]
    torch.testing.assert_close(medians_of_program(counts), torch.tensor(expected))


def test_a_loader_without_end_is_gone_through_once(monkeypatch):
    images = list(range(10))
    loader = DataLoader(
        images, batch_size=4, sampler=InfiniteSampler(images, seed=3), collate_fn=pseudo_collate
    )
    assert [batch for batch in once_through(loader)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    shares = []
    for rank in range(3):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda rank=rank: (rank, 3))
        shares += [image for batch in once_through(loader) for image in batch]
    assert sorted(shares) == images
