"""Seeds of images and iterations: equal where they must be, unequal elsewhere."""

import itertools
import pickle
import random

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import DataLoader

from mmseg_dkd.datasets import DrawSampler
from mmseg_dkd.utils.randomness import Draw, seed_all, seeded


def draw():
    return random.random(), np.random.random(), torch.rand(()).item()


def test_the_same_key_draws_the_same_and_another_key_something_else():
    drawn = []
    for key in [(0, 1), (0, 1), (1, 0), (0, 1, 0), (0, 2)]:
        seed_all(*key)
        drawn.append(draw())
    assert drawn[0] == drawn[1]
    for kind in zip(*drawn[1:], strict=True):
        assert len(set(kind)) == 4


def test_seeded_leaves_the_generators_as_they_were():
    seed_all(3)
    undisturbed = draw(), draw()
    seed_all(3)
    first = draw()
    with pytest.raises(KeyError), seeded(5):
        inside = draw()
        raise KeyError
    assert (first, draw()) == undisturbed
    seed_all(5)
    assert draw() == inside


class Drawn(torch.utils.data.Dataset):
    """What is drawn for each image."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        with seeded(*index.key):
            return int(index), *draw()


def batches(sampler, workers=0):
    loader = DataLoader(Drawn(), batch_size=2, sampler=sampler, num_workers=workers)
    return [torch.stack([part.double() for part in batch]) for batch in itertools.islice(loader, 6)]


def endless(**kwargs):
    return DrawSampler(Drawn(), dict(type='InfiniteSampler'), seed=7, **kwargs)


def test_order_is_that_of_the_sampler_wrapped():
    expected = list(itertools.islice(InfiniteSampler(Drawn(), seed=7), 13))
    assert list(itertools.islice(endless(), 13)) == expected
    ends = DrawSampler(Drawn(), dict(type='DefaultSampler', shuffle=True), seed=7)
    assert len(ends) == 5 and not hasattr(ends, 'skip')
    for epoch in (0, 3):
        plain = DefaultSampler(Drawn(), seed=7)
        for sampler in (plain, ends):
            sampler.set_epoch(epoch)
        assert list(ends) == list(plain)


@pytest.mark.skipif(
    not hasattr(InfiniteSampler, 'skip'), reason='this mmengine reads what it skips when it resumes'
)
@pytest.mark.parametrize('workers', [0, 2])
def test_a_skipping_sampler_goes_on_as_if_it_had_drawn(workers):
    whole = batches(endless())
    sampler = endless()
    sampler.skip(4)
    for a, b in zip(whole[2:], batches(sampler, workers), strict=False):
        assert torch.equal(a, b)
    drawn = torch.cat(whole, 1)[1:]
    assert all(len(set(kind.tolist())) == 12 for kind in drawn), 'each image, each time, anew'


def test_reading_ahead_does_not_move_what_is_drawn():
    sampler = endless()
    assert torch.equal(batches(sampler)[0], batches(sampler)[0])


def test_epochs_draw_differently():
    sampler = DrawSampler(Drawn(), dict(type='DefaultSampler', shuffle=False), seed=7)
    first = batches(sampler)
    sampler.set_epoch(1)
    assert torch.equal(first[0][0], batches(sampler)[0][0])
    assert not torch.equal(first[0][1], batches(sampler)[0][1])


def test_a_draw_keeps_its_key_on_its_way_to_a_worker():
    sent = pickle.loads(pickle.dumps(Draw(3, (1, 2))))
    assert sent == 3 and sent.key == (1, 2)


def test_a_step_data_set_obeys_a_draw(tiny):
    from mmseg.registry import DATASETS

    from mmseg_dkd.engine.resolve import step_config

    dataset = DATASETS.build(step_config(tiny(), 0).train_dataloader.dataset)
    images = [dataset[Draw(0, key)]['inputs'] for key in [(1,), (1,), (2,)]]
    assert torch.equal(images[0], images[1])
    assert images[0].shape != images[2].shape or not torch.equal(images[0], images[2])
