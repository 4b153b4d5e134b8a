"""Random numbers that depend on where a training is, not on how it came there.

An interrupted training that goes on must draw what it would have drawn. Were the generators
stored in checkpoints, those of data loading workers and of other processes would be missing, and
batches loaded ahead would have moved them. So every image and every iteration has a seed of its
own instead: a training is the same whether interrupted or not, and for any number of workers.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


class Draw(int):
    """The index of an image, and the numbers that seed its augmentation."""

    key: tuple[int, ...]

    def __new__(cls, index: int, key: tuple[int, ...]) -> 'Draw':
        draw = super().__new__(cls, index)
        draw.key = key
        return draw

    def __reduce__(self) -> tuple:
        return Draw, (int(self), self.key)


def seed_all(*key: int) -> None:
    """Seed the generators of Python, numpy and torch, on all devices, by non-negative numbers."""
    seeds = _seeds(key)
    random.seed(seeds[0])
    np.random.seed(seeds[1])
    torch.manual_seed(seeds[2])


@contextmanager
def seeded(*key: int) -> Iterator[None]:
    """Seed the generators of Python, numpy and torch, on the CPU; afterwards they are as before."""
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    seeds = _seeds(key)
    random.seed(seeds[0])
    np.random.seed(seeds[1])
    torch.default_generator.manual_seed(seeds[2])
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])


def _seeds(key: tuple[int, ...]) -> list[int]:
    # Numbers of different lengths are filled up with zeros.
    return np.random.SeedSequence((len(key), *key)).generate_state(3).tolist()
