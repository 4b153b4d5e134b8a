"""Seeds every iteration."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from ...utils.randomness import seed_all


@HOOKS.register_module()
class IterationSeedHook(Hook):
    """Seeds what an iteration draws, such as dropout, by the seed of the run and its number."""

    priority = 'VERY_HIGH'

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        """All generators, whatever was drawn before."""
        seed_all(runner.seed, runner.iter)
