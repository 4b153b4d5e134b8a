"""One step of a run: its config, resolved once, and where its files lie."""

import copy
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from mmengine.config import Config

from ..engine.resolve import step_config
from ..scenario import Scenario
from .recipe import before_growth, differences, recipe_of
from .resume import durable


class Step:
    """A step of a run.

    Args:
        number: Which one.
        of_all: The config of all steps.
        scenario: That of the run.
        work_dir: Folder of the run.
        before: The step before; None for step 0.
    """

    def __init__(
        self,
        number: int,
        of_all: Config,
        scenario: Scenario,
        work_dir: Path,
        before: 'Step | None',
    ) -> None:
        self.number = number
        self.scenario = scenario
        self.before = before
        self.folder = step_folder(work_dir, number)
        self._of_all = of_all

    @cached_property
    def cfg(self) -> Config:
        """The config that trains and tests the step (:func:`.step_config`). Whoever changes it,
        changes a copy.

        Raises:
            ValueError: As :func:`.step_config`.
        """
        previous = None if self.before is None else str(self.before.checkpoint)
        return step_config(self._of_all, self.number, previous)

    @property
    def checkpoint(self) -> Path:
        """The checkpoint that the step ends with, as mmengine's ``CheckpointHook`` names it.

        Raises:
            ValueError: If the config does not say how long it trains.
        """
        length = self.cfg.get('train_cfg') or {}
        for unit in ('epoch', 'iter'):
            if (count := length.get(f'max_{unit}s')) is not None:
                return self.folder / f'{unit}_{count}.pth'
        raise ValueError(
            f'{self._of_all.filename}: train_cfg={dict(length)} says neither max_epochs nor '
            "max_iters: write, for example, train_cfg=dict(type='EpochBasedTrainLoop', "
            'max_epochs=60)'
        )

    @property
    def memory_file(self) -> Path:
        """The replay memory that the step learns from."""
        return self.folder / 'memory.json'

    @property
    def own_config(self) -> Path:
        """Where mmengine writes the step's config."""
        return self.folder / Path(self._of_all.filename).name

    @cached_property
    def recipe(self) -> str:
        """Fingerprint of what decides the step's result (:func:`.recipe_of`)."""
        return recipe_of(self.cfg)

    def accepts(self, recipe: str) -> bool:
        """Whether a training of this recipe is that of the step, before its run grew included."""
        return recipe == self.recipe or recipe in map(recipe_of, self._before_growth())

    def differing_keys(self) -> list[str]:
        """Keys in which the config in the step's folder differs from the step's, as far as they
        decide the result; none where there is no config."""
        try:
            there = Config.fromfile(config_in(self.folder))
        except ValueError:
            return []
        found = []
        for cfg in (self.cfg, *self._before_growth()):
            # A step 0 that was taken over has the config as it is.
            found += [differences(durable(copy.deepcopy(cfg)), there), differences(cfg, there)]
        return [] if [] in found else min(found[:2], key=len)

    def other_recipe(self) -> str:
        """That the step was trained by another recipe, in words, with what differs."""
        keys = ', '.join(self.differing_keys())
        return (
            f'{self.folder} was trained by another recipe than {self._of_all.filename} with these '
            f'options: {keys or "its config, which would tell, is gone"}. Give the options that '
            'it was trained with, or another --work-dir; to train later steps alone by others, '
            'leave --resume out and name them by --steps'
        )

    def _before_growth(self) -> Iterator[Config]:
        for shorter in before_growth(self._of_all, self.scenario, self.number):
            yield step_config(shorter, self.number)


def steps_of(of_all: Config, scenario: Scenario, work_dir: Path) -> list[Step]:
    """The steps of a run, in order; see :class:`Step` for the arguments."""
    steps: list[Step] = []
    for number in range(scenario.num_steps):
        steps.append(Step(number, of_all, scenario, work_dir, steps[-1] if steps else None))
    return steps


def step_folder(work_dir: Path, step: int) -> Path:
    """Where a step's config, log and checkpoint are."""
    return work_dir / f'step_{step}'


def config_file(work_dir: Path, step: int) -> Path:
    """The config that a step of a run was trained by; see :func:`config_in`."""
    return config_in(step_folder(work_dir, step))


def config_in(folder: Path) -> Path:
    """The config in a step's folder, as mmengine has written it.

    Raises:
        ValueError: If the folder has none or several.
    """
    configs = sorted(folder.glob('*.py'))
    if len(configs) != 1:
        names = ', '.join(file.name for file in configs)
        raise ValueError(
            f'{folder} must have one config, has {names or "none"}: keep that of the latest '
            'training, or train the step again'
        )
    return configs[0]
