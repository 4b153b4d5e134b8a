"""SDR's losses and prototypes against loops over pixels, and where they have nothing to say."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mmseg_dkd.methods.sdr.contrastive import attraction, repulsion
from mmseg_dkd.methods.sdr.prototypes import Prototypes, prototype_matching
from mmseg_dkd.methods.sdr.sparsity import sparsity_loss
from tests.oracle import case

seeds = st.integers(0, 2**32 - 1)


def pixels_of(feature: Tensor, label: Tensor) -> dict[int, list[Tensor]]:
    """The features of the pixels of each label, void left out."""
    found = {}
    for n, y, x in torch.cartesian_prod(*map(torch.arange, label.shape)):
        if label[n, y, x] != 255:
            found.setdefault(int(label[n, y, x]), []).append(feature[n, :, y, x])
    return found


def mean(values: list) -> Tensor:
    """Of a list that need not have anything in it."""
    return sum(values) / max(len(values), 1)


def squared(a: Tensor, b: Tensor) -> Tensor:
    return sum((a[d] - b[d]) ** 2 for d in range(len(a))) / len(a)


def plain_matching(feature, label, prototypes, counts):
    found = pixels_of(feature, label)
    classes = [c for c in found if 1 <= c <= len(counts) and counts[c - 1] > 0]
    return mean([squared(mean(found[c]), prototypes[c - 1]) for c in classes])


def plain_attraction(feature, label, prototypes, counts):
    found = pixels_of(feature, label)
    classes = [c for c in found if c > 0 and counts[c - 1] > 0]
    return mean([mean([squared(f, prototypes[c - 1]) for f in found[c]]) for c in classes])


def plain_repulsion(feature, label, num_classes):
    found = pixels_of(feature, label)
    means = {c: mean(found[c]) for c in found if c > 0}
    pairs = [(a, b) for a in means for b in means if a != b]
    return mean([1 / ((means[a] - means[b]) ** 2).sum() ** 0.5 for a, b in pairs])


def plain_sparsity(feature, label, num_classes):
    ratios = []
    for features in pixels_of(feature, label).values():
        largest = max(abs(v) for f in features for v in f)
        for f in features:
            f = [abs(v) / largest for v in f]
            ratios.append(sum(torch.exp(v) for v in f) / sum(f).clamp(min=1))
    return mean(ratios)


def random_batch(seed: int, num_classes: int) -> tuple[Tensor, Tensor]:
    """A feature ``[2, 5, 3, 2]`` and labels with unknown and void pixels."""
    rng = torch.Generator().manual_seed(seed)
    feature = 2 * torch.randn(2, 5, 3, 2, generator=rng, dtype=torch.float64)
    label = torch.randint(0, 1 + num_classes, (2, 3, 2), generator=rng)
    label[0, 0, 0], label[1, 0, 0], label[1, 2, 1] = 255, 0, 1
    return feature, label


def check(function, plain, feature: Tensor, *rest) -> None:
    """Value and gradient of both are the same."""
    results = []
    for each in (function, plain):
        f = feature.clone().requires_grad_()
        value = torch.as_tensor(each(f, *rest), dtype=f.dtype)
        gradient = torch.zeros_like(f)
        if value.requires_grad:
            (gradient,) = torch.autograd.grad(value, f)
        results.append((value.detach(), gradient))
    torch.testing.assert_close(*results)


@settings(max_examples=12, deadline=None)
@given(seeds, st.integers(1, 4))
def test_distances_are_those_of_loops(seed, num_classes):
    feature, label = random_batch(seed, num_classes)
    rng = torch.Generator().manual_seed(seed)
    prototypes = torch.randn(num_classes, 5, generator=rng, dtype=torch.float64)
    counts = torch.randint(0, 3, (num_classes,), generator=rng)
    check(attraction, plain_attraction, feature, label, prototypes, counts)
    check(repulsion, plain_repulsion, feature, label, num_classes)
    old = (num_classes + 1) // 2
    check(prototype_matching, plain_matching, feature, label, prototypes[:old], counts[:old])


@settings(max_examples=12, deadline=None)
@given(seeds, st.integers(1, 3), st.booleans())
def test_sparsity_is_that_of_loops(seed, num_classes, relu):
    feature, label = random_batch(seed, num_classes)
    feature[:, 0] = 0
    check(sparsity_loss, plain_sparsity, feature.abs() if relu else feature, label, num_classes)


def check_known(value: Tensor, feature: Tensor, known: dict[str, Tensor], name: str) -> None:
    torch.testing.assert_close(value, known[name])
    (gradient,) = torch.autograd.grad(value, feature)
    torch.testing.assert_close(gradient, known[f'{name}_grad'])


def test_terms_are_those_of_the_program_where_it_does_what_it_defines():
    known = case('sdr', 'terms_N1')
    feature, label = known['feature'].requires_grad_(), known['label']
    old, seen = int(known['num_old_classes']), int(known['num_seen_classes'])
    value = sparsity_loss(feature, known['label_no_void'], seen)
    check_known(value, feature, known, 'program_sparsity_no_void')
    # It takes the labels of the step alone, of which background is a class.
    with_background = torch.where(label == 255, 255, label + 1)
    value = repulsion(feature, with_background, 1 + seen)
    check_known(value, feature, known, 'program_repulsion')
    # Its own matching mixes channels and pixels.
    completed = torch.where(label == 0, known['old_model_label'], label)
    assert torch.equal(completed, known['label_completed'])
    value = prototype_matching(feature, completed, known['prototypes'][:old], known['counts'][:old])
    check_known(value, feature, known, 'definition_matching')
    assert value < 0.5 * known['program_matching']


def test_matching_keeps_channels_apart():
    known = case('sdr', 'matching_small')
    label, prototypes = known['class_of_both_pixels'].expand(1, 1, 2), torch.zeros(20, 2).double()
    prototypes[4] = known['prototype']
    value = prototype_matching(known['feature'], label, prototypes, torch.ones(20))
    torch.testing.assert_close(value, known['value_by_definition'])
    assert known['value_of_program'] == 0.25


def test_attraction_is_the_plain_mean_of_the_classes():
    known = case('sdr', 'attraction_nesting')
    # One pixel a class, whose squared distance to the prototype 0 is what is known.
    feature = known['class_losses'].sqrt().reshape(1, 1, 1, 3)
    label, nothing = torch.tensor([[[1, 2, 3]]]), torch.zeros(3, 1).double()
    value = attraction(feature, label, nothing, torch.ones(3))
    torch.testing.assert_close(value, known['mean_of_classes'])
    assert known['value_of_program'] < value


def test_sparsity_of_next_to_nothing_is_bounded():
    feature = torch.tensor([[8.0, 8.0], [1e-9, 0.0]]).T.reshape(1, 2, 2, 1).requires_grad_()
    ratio = sparsity_loss(feature, torch.ones(1, 2, 1, dtype=torch.long), 1)
    torch.testing.assert_close(ratio, torch.tensor((torch.e + 2) / 2))
    assert torch.autograd.grad(ratio, feature)[0].abs().max() < 1


def all_terms(feature: Tensor, label: Tensor, prototypes: Tensor, counts: Tensor) -> list[Tensor]:
    return [
        prototype_matching(feature, label, prototypes, counts),
        attraction(feature, label, prototypes, counts),
        repulsion(feature, label, len(counts)),
        sparsity_loss(feature, label, len(counts)),
    ]


def gradient_of(terms: list[Tensor], feature: Tensor) -> Tensor:
    return torch.autograd.grad(sum(terms), feature)[0]


def test_nothing_in_the_batch_costs_nothing():
    feature = torch.randn(1, 3, 2, 2, requires_grad=True)
    prototypes, counts = torch.randn(2, 3), torch.tensor([4, 5])
    terms = all_terms(feature, torch.full((1, 2, 2), 255), prototypes, counts)
    assert not any(terms) and not gradient_of(terms, feature).any()
    terms = all_terms(feature, torch.zeros(1, 2, 2, dtype=torch.long), prototypes, counts)
    assert not any(terms[:3]) and terms[3] > 0


def test_a_class_without_a_prototype_is_not_pulled_to_zero():
    feature, label = torch.randn(1, 3, 2, 2), torch.ones(1, 2, 2, dtype=torch.long)
    terms = all_terms(feature, label, torch.zeros(2, 3), torch.tensor([0, 7]))
    assert not any(terms[:3])


@pytest.mark.parametrize('value', [0.0, 1.0, 1e-30])
def test_equal_features_have_finite_gradients(value):
    feature = torch.full((1, 3, 2, 2), value, requires_grad=True)
    label = torch.tensor([[[1, 2], [3, 255]]])
    terms = all_terms(feature, label, torch.full((3, 3), value), torch.ones(3))
    assert all(torch.isfinite(term) for term in terms)
    assert torch.isfinite(gradient_of(terms, feature)).all()


def test_void_pixels_and_prototypes_get_no_gradient():
    feature, label = random_batch(0, 3)
    feature.requires_grad_()
    prototypes = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    sum(all_terms(feature, label, prototypes, torch.ones(3))).backward()
    assert prototypes.grad is None
    assert not feature.grad.movedim(1, -1)[label == 255].any()
    assert feature.grad.movedim(1, -1)[label != 255].abs().sum(-1).all()


def test_prototypes_keep_apart_and_features_gather():
    feature, label = random_batch(3, 2)
    prototypes = torch.randn(2, 5, dtype=torch.float64)
    for term in (attraction, repulsion):
        rest = (prototypes, torch.ones(2)) if term is attraction else (2,)
        f = feature.clone().requires_grad_()
        before = term(f, label, *rest)
        moved = feature - 0.1 * torch.autograd.grad(before, f)[0]
        assert term(moved, label, *rest) < before


@settings(max_examples=12, deadline=None)
@given(seeds, st.integers(1, 4), st.integers(1, 4))
def test_prototypes_are_the_means_of_all_labelled_pixels_so_far(seed, num_classes, batches):
    prototypes, found = Prototypes(num_classes, 5).double(), {}
    for batch in range(batches):
        feature, label = random_batch(seed + batch, num_classes)
        prototypes.update(feature.requires_grad_(), label)
        for c, features in pixels_of(feature.detach(), label).items():
            found.setdefault(c, []).extend(features)
    assert prototypes.count.tolist() == [len(found.get(1 + c, [])) for c in range(num_classes)]
    expected = [mean(found.get(1 + c, [torch.zeros(5)])).double() for c in range(num_classes)]
    torch.testing.assert_close(prototypes.mean, torch.stack(expected))
    assert not prototypes.mean.requires_grad


def _update_part(rank: int, world: int, store: str, out: str) -> None:
    torch.distributed.init_process_group('gloo', f'file://{store}', rank=rank, world_size=world)
    prototypes = Prototypes(3, 5)
    for batch in range(2):
        feature, label = random_batch(batch, 3)
        prototypes.update(feature[rank::world].float(), label[rank::world])
    torch.save(prototypes.state_dict(), f'{out}{rank}')


def test_processes_agree_on_the_prototypes_of_all(tmp_path):
    out = str(tmp_path / 'state')
    arguments = (2, str(tmp_path / 'store'), out)
    torch.multiprocessing.start_processes(_update_part, arguments, nprocs=2, start_method='fork')
    alone = Prototypes(3, 5)
    for batch in range(2):
        feature, label = random_batch(batch, 3)
        alone.update(feature.float(), label)
    states = [torch.load(f'{out}{rank}') for rank in range(2)]
    torch.testing.assert_close(states, 2 * [dict(alone.state_dict())])
