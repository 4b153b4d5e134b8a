"""What a run will do, and what it lacks, before anything is trained."""

from dataclasses import dataclass, field
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.dist import get_world_size
from mmseg.registry import DATASETS, MODELS

from ..datasets.memory import read_memory
from ..engine import hand_over, start_from
from ..engine.resolve import step_config
from ..models.weights import pretrained
from ..scenario import Scenario


@dataclass
class StepPlan:
    """One step of a run; ``missing`` lists, in words, what keeps it from being run."""

    step: int
    classes: list[str]
    train_images: int | None
    test_images: int | None
    checkpoint_in: Path | None
    checkpoint_out: Path
    missing: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f'step {self.step}: learns {len(self.classes)} classes: {", ".join(self.classes)}',
            f'  images: {_or_unknown(self.train_images)} to train on, '
            f'{_or_unknown(self.test_images)} to test on',
            f'  checkpoint in:  {self.checkpoint_in or "none"}',
            f'  checkpoint out: {self.checkpoint_out}',
        ]
        return '\n'.join(lines + [f'  missing: {problem}' for problem in self.missing])


def step_folder(work_dir: str | Path, step: int) -> Path:
    """Where a step's config, log and checkpoint are."""
    return Path(work_dir) / f'step_{step}'


def memory_of(work_dir: str | Path, step: int) -> Path:
    """The replay memory that a step learns from."""
    return step_folder(work_dir, step) / 'memory.json'


def config_file(work_dir: str | Path, step: int) -> Path:
    """The config of a step of a run.

    Raises:
        ValueError: If the step's folder has none or several.
    """
    folder = step_folder(work_dir, step)
    configs = sorted(folder.glob('*.py'))
    if len(configs) != 1:
        names = ', '.join(file.name for file in configs)
        raise ValueError(
            f'{folder} must have one config, has {names or "none"}: keep that of the latest '
            'training, or train the step again'
        )
    return configs[0]


def checkpoint_of(cfg: Config, work_dir: str | Path, step: int) -> Path:
    """The checkpoint that the step ends with, as mmengine's ``CheckpointHook`` names it."""
    train_cfg = step_config(cfg, step).train_cfg
    by_epoch = 'max_epochs' in train_cfg
    last = f'epoch_{train_cfg.max_epochs}' if by_epoch else f'iter_{train_cfg.max_iters}'
    return step_folder(work_dir, step) / f'{last}.pth'


def plan(cfg: Config, work_dir: str | Path, steps: list[int]) -> list[StepPlan]:
    """Build every step's data sets and network, and look for its start.

    Args:
        cfg: The config of all steps.
        work_dir: Folder of the run.
        steps: The steps to run, ascending.

    Returns:
        One plan a step. Nothing but the class presence cache is written.
    """
    scenario = Scenario(**cfg.scenario)
    plans = []
    for step in steps:
        before = checkpoint_of(cfg, work_dir, step - 1) if step else None
        ready = StepPlan(
            step=step,
            classes=[f'class {c}' for c in scenario.new(step)],
            train_images=None,
            test_images=None,
            checkpoint_in=before or (None if step else cfg.get('start_from')),
            checkpoint_out=checkpoint_of(cfg, work_dir, step),
        )
        resolved = step_config(cfg, step, str(before) if before else None)
        model = seen = None
        for kind in ('train', 'test'):
            try:
                dataset = DATASETS.build(resolved[f'{kind}_dataloader'].dataset)
            except (FileNotFoundError, ValueError) as error:
                if str(error) not in ready.missing:
                    ready.missing.append(str(error))
                continue
            setattr(ready, f'{kind}_images', len(dataset))
            seen = dataset.metainfo['classes']
            ready.classes = list(seen[-len(scenario.new(step)) :])
            if kind == 'train':
                ready.missing += _no_batch(resolved.train_dataloader, len(dataset))
        try:
            ready.missing += pretrained.problems(resolved.model)
            model = MODELS.build(resolved.model)
        except (TypeError, ValueError) as error:
            ready.missing.append(str(error))
        if start := resolved.get('start_from'):
            try:
                if model is None or seen is None:
                    start_from.load(start)
                else:
                    start_from.convert(start, model, seen)
            except (FileNotFoundError, ValueError) as error:
                ready.missing.append(str(error))
        if before is not None and step - 1 not in steps:
            try:
                hand_over.load(before, scenario, step - 1)
                # The memory is drawn from the pool of the one before.
                if resolved.get('memory') and step > 1:
                    read_memory(memory_of(work_dir, step - 1), scenario, step - 1)
            except (FileNotFoundError, ValueError) as error:
                ready.missing.append(str(error))
        plans.append(ready)
    return plans


def _no_batch(loader: ConfigDict, images: int) -> list[str]:
    endless = loader.sampler.type == 'InfiniteSampler'
    batch = loader.batch_size * get_world_size()
    if endless or not loader.get('drop_last') or images >= batch:
        return []
    return [
        f'{images} training images make no batch of {batch}, and drop_last leaves out what is '
        f'less: set train_dataloader.batch_size (now {loader.batch_size}) to at most {images}'
    ]


def _or_unknown(count: int | None) -> str:
    return 'unknown' if count is None else f'{count:,}'
