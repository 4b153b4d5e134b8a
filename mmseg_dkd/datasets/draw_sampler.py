"""A sampler that says for every image how its augmentation is seeded."""

from collections.abc import Iterator, Sized

from mmengine.dist import get_rank, sync_random_seed
from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import Sampler

from ..utils.randomness import Draw


@DATA_SAMPLERS.register_module()
class DrawSampler(Sampler):
    """The order of another sampler, with a seed for every image that :class:`.StepDataset` obeys.

    Every iteration over it starts at the beginning, or where ``skip`` has put it, whatever was read
    before.

    Args:
        dataset: The data set.
        sampler: Config of a sampler of mmengine.
        seed: Seed of the order and of the augmentation. If None, one is drawn, the same in all
            processes.
    """

    def __init__(self, dataset: Sized, sampler: dict, seed: int | None = None) -> None:
        self.cfg = sampler
        self.dataset = dataset
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = self.start = 0
        if hasattr(self._ordered(), 'skip'):
            # By this name mmengine tells samplers without an end, which it starts in the middle.
            self.skip = self._skip

    def _ordered(self) -> Sampler:
        return DATA_SAMPLERS.build(
            self.cfg, default_args=dict(dataset=self.dataset, seed=self.seed)
        )

    def __iter__(self) -> Iterator[Draw]:
        ordered = self._ordered()
        ordered.set_epoch(self.epoch)
        for position, index in enumerate(ordered):
            if position >= self.start:
                yield Draw(index, (self.seed, get_rank(), self.epoch, position))

    def __len__(self) -> int:
        return len(self._ordered())

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch: a sampler with an end makes its order from this number."""
        self.epoch = epoch

    def _skip(self, num_samples: int) -> None:
        """Start behind this many images, counted from the first of the training."""
        self.start = num_samples
