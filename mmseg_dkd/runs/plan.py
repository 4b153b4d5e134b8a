"""What a run will do, and what it lacks, before anything is trained."""

import copy
import math
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.dist import get_world_size
from mmengine.optim import build_optim_wrapper
from mmseg.registry import DATASETS, MODELS

from ..datasets.image_lists import notes_of
from ..datasets.memory import read_memory
from ..datasets.step_dataset import StepDataset
from ..engine import hand_over, start_from
from ..engine.amp import problems_of_device
from ..engine.resolve import head_configs
from ..engine.schedule import by_epoch_of, notes_of_schedule
from ..models.method_registry import METHODS, method_of
from ..models.weights import pretrained
from .preflight import problems_of
from .step import Step

# What building from a config raises: an unknown type, an argument that is unknown or wrong.
WRONG = (KeyError, TypeError, ValueError)
# Up to here, a line names all classes.
MANY_CLASSES = 25
RAREST = 5


@dataclass
class StepPlan:
    """One step of a run.

    ``known`` are those of ``classes`` that a step before has learned. ``train_per_class`` and
    ``test_per_class`` have the number of images that show each class of the step. ``missing``
    lists, in words, what keeps it from being run, and ``notes`` what is odd.
    """

    step: int
    classes: list[str]
    train_images: int | None
    test_images: int | None
    checkpoint_in: Path | None
    checkpoint_out: Path
    known: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    train_per_class: dict[str, int] = field(default_factory=dict)
    test_per_class: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        classes = ', '.join(self.classes)
        anew = f' (known, and learned anew: {", ".join(self.known)})' if self.known else ''
        lines = [
            f'step {self.step}: learns {len(self.classes)} classes: {classes}{anew}',
            f'  images: {_or_unknown(self.train_images)} to train on, '
            f'{_or_unknown(self.test_images)} to test on',
            *_counts('train', self.train_per_class),
            *_counts('test', self.test_per_class),
            f'  checkpoint in:  {self.checkpoint_in or "none"}',
            f'  checkpoint out: {self.checkpoint_out}',
        ]
        lines += [f'  note: {note}' for note in self.notes]
        return '\n'.join(lines + [f'  missing: {problem}' for problem in self.missing])


def listed(plans: list[StepPlan], kind: str) -> list[str]:
    """What is ``missing``, or the ``notes``, of all plans: each text once, behind its steps."""
    steps: dict[str, list[str]] = {}
    for plan in plans:
        for text in getattr(plan, kind):
            steps.setdefault(text, []).append(str(plan.step))
    return [f'step {", ".join(of)}: {text}' for text, of in steps.items()]


def plan_of(step: Step, ahead: Container[int]) -> StepPlan:
    """Look at a step's config, build its data sets and its network, and look for its start.

    Args:
        step: The step.
        ahead: The steps that are to be run; what they will write need not be there yet.

    Returns:
        The plan. Nothing but the class presence cache is written.

    Raises:
        ValueError: If the config does not say how long the step trains.
    """
    before, new = step.before, step.scenario.new(step.number)
    plan = StepPlan(
        step=step.number,
        classes=[f'class {c}' for c in new],
        train_images=None,
        test_images=None,
        checkpoint_in=step.cfg.get('start_from') if before is None else before.checkpoint,
        checkpoint_out=step.checkpoint,
        missing=problems_of(step.cfg),
    )
    if plan.missing:
        return plan
    plan.notes += notes_of_schedule(step.cfg)
    no_device = problems_of_device(step.cfg)
    plan.missing += no_device
    # Building changes a config.
    cfg = copy.deepcopy(step.cfg)
    model = seen = None
    found: list[StepDataset] = []
    for kind in ('train', 'test'):
        try:
            dataset = DATASETS.build(cfg[f'{kind}_dataloader'].dataset)
        except (FileNotFoundError, *WRONG) as error:
            if _words(error) not in plan.missing:
                plan.missing.append(_words(error))
            continue
        setattr(plan, f'{kind}_images', len(dataset))
        found.append(dataset)
        seen = dataset.metainfo['classes']
        plan.classes = list(seen[-len(new) :])
        anew = step.scenario.refreshed(step.number)
        plan.known = [n for n, c in zip(plan.classes, new, strict=True) if c in anew]
        per_class = dataset.images_per_class
        setattr(plan, f'{kind}_per_class', {name: per_class[name] for name in plan.classes})
        if kind == 'train':
            plan.missing += _no_batch(cfg.train_dataloader, len(dataset))
            plan.missing += _within_an_update(cfg, len(dataset))
            if before is not None and cfg.get('memory'):
                plan.missing += dataset.problems_of_replay()
                plan.missing += _no_refresh(step)
    # A converted model learns no class at step 0.
    converted = cfg.model.get('converted', False)
    if len(found) == 2:
        plan.missing += _not_learnable(found[0], found[1], converted)
        plan.notes += [*_not_tested(found[1]), *notes_of(*found)]
    if found and not (found[0].test_mode or converted) and found[0].partly_labelled:
        plan.missing += _whole_labels(cfg)
    try:
        plan.missing += pretrained.problems(cfg.model)
        model = MODELS.build(cfg.model)
        wrapper = cfg.optim_wrapper
        if no_device:
            # Its optimizer needs none.
            own = ('type', 'dtype', 'loss_scale')
            wrapper = ConfigDict({k: v for k, v in wrapper.items() if k not in own})
        build_optim_wrapper(model, wrapper)
    except WRONG as error:
        plan.missing.append(_words(error))
    if start := cfg.get('start_from'):
        try:
            if model is None or seen is None:
                start_from.load(start)
            else:
                start_from.convert(start, model, seen)
        except (FileNotFoundError, ValueError) as error:
            plan.missing.append(str(error))
    if before is not None and before.number not in ahead:
        try:
            hand_over.load(before.checkpoint, before.scenario, before.number)
            # The memory is drawn from the pool of the one before.
            if cfg.get('memory') and before.number:
                read_memory(before.memory_file, before.scenario, before.number)
        except (FileNotFoundError, ValueError) as error:
            plan.missing.append(str(error))
    return plan


def _no_refresh(step: Step) -> Iterator[str]:
    if any(map(step.scenario.refreshed, range(step.number + 1))):
        yield (
            f'a replay memory does not know which images show what {step.scenario} learns anew: '
            'set memory=None'
        )


def _words(error: Exception) -> str:
    # As text, a KeyError is the representation of its text.
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)


def _not_learnable(train: StepDataset, test: StepDataset, converted: bool) -> Iterator[str]:
    names, tested = train.metainfo['classes'], test.metainfo['classes']
    if names != tested:
        yield (
            f'the training data has the classes {", ".join(names)}, but the test data '
            f'{", ".join(tested)}: write the same metainfo.classes, in the same order'
        )
    unseen = [name for name, count in train.images_per_class.items() if count == 0]
    if unseen and not converted:
        yield (
            f'none of the {len(train):,} training images shows {", ".join(unseen)}: look at the '
            'values in its masks and, in a LabelledFolder, at its labels; or take the class out of '
            'the scenario'
        )


def _not_tested(test: StepDataset) -> Iterator[str]:
    if unseen := [name for name, count in test.images_per_class.items() if count == 0]:
        yield (
            f'no test image shows {", ".join(unseen)}: such a class is left out of the means, or '
            'has an IoU of 0 if it is predicted'
        )


def _whole_labels(cfg: Config) -> Iterator[str]:
    for method in {head['type']: method_of(head) for head in head_configs(cfg.model)}.values():
        if not method.PARTLY_LABELLED:
            able = sorted(n for n, m in METHODS.module_dict.items() if m.PARTLY_LABELLED)
            yield (
                f'{method.__name__} needs images in which all classes of the step are labelled, '
                'and a folder is labelled_for some of them: give each folder a step of its own, '
                f'or choose one of {", ".join(able)}'
            )


def _no_batch(loader: ConfigDict, images: int) -> list[str]:
    endless = loader.sampler.type == 'InfiniteSampler'
    batch = loader.batch_size * get_world_size()
    if endless or not loader.get('drop_last') or images >= batch:
        return []
    return [
        f'{images} training images make no batch of {batch}, and drop_last leaves out what is '
        f'less: set train_dataloader.batch_size (now {loader.batch_size}) to at most {images}'
    ]


def _within_an_update(cfg: Config, images: int) -> list[str]:
    counts = cfg.optim_wrapper.get('accumulative_counts', 1)
    every = cfg.default_hooks.get('checkpoint', {}).get('interval', -1)
    unit, batches = 'iterations', 1
    if by_epoch_of(cfg):
        loader = cfg.train_dataloader
        batches = math.ceil(images / get_world_size()) / loader.batch_size
        batches = math.floor(batches) if loader.get('drop_last') else math.ceil(batches)
        unit = f'epochs of {batches} batches'
    if get_world_size() == 1 or every < 1 or every * batches % counts == 0:
        return []
    step = counts // math.gcd(counts, batches)
    return [
        f'optim_wrapper.accumulative_counts is {counts}, and a checkpoint every {every} {unit} '
        'lies between two updates: a step that is interrupted would lose the gradients that '
        'several processes have gathered until then. Set default_hooks.checkpoint.interval to a '
        f'multiple of {step}'
    ]


def _counts(split: str, images: dict[str, int]) -> Iterator[str]:
    if not images:
        return
    many = len(images) > MANY_CLASSES
    shown = sorted(images, key=images.__getitem__)[:RAREST] if many else images
    rest = f' are the rarest of {len(images)}, the others up to {max(images.values()):,}'
    yield f'  {split}: {", ".join(f"{n} {images[n]:,}" for n in shown)}{rest * many}'


def _or_unknown(count: int | None) -> str:
    return 'unknown' if count is None else f'{count:,}'
