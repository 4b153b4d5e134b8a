"""The replay memory: which images of earlier steps come back, and the file that says so."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..scenario import Scenario
from ..utils.atomic import write_text

# How the memory is mixed with a step's images, and what is labelled in its own.
ADDED = 'added'
TRAINED, SEEN = 'trained', 'seen'


@dataclass(frozen=True)
class Candidate:
    """An image of earlier steps.

    ``image``, ``mask``: their paths below the data set's root. An image may have masks in several
    data sets, each with the labels of other classes. ``mask`` is None in files of version 0.1.
    ``steps``: the steps that trained on it, whose classes are labelled in it. ``classes``: ids of
    the learned classes that it shows: labelled ones, and those that the old model is sure of.
    """

    image: str
    mask: str | None
    steps: tuple[int, ...]
    classes: tuple[int, ...]


class Memory(NamedTuple):
    """Images drawn for a step, and the pool they were drawn from."""

    drawn: list[Candidate]
    pool: list[Candidate]


def memory_options(given: Any) -> dict:
    """The ``memory`` of a config, with all its options.

    Args:
        given: ``size``: how many images, 1 or more. ``share``: ``'added'``, the default: the images
            are added to those of the step, which makes an epoch longer. A number in (0, 1): the
            probability that one of them takes the place of an image of the step. ``labels``: what
            is labelled in them: ``'trained'``, the default: the classes of the steps that trained
            on the image; ``'seen'``: all classes learned so far. The step's own classes are
            labelled in either case.

    Raises:
        ValueError: If it is anything else.
    """
    given = dict(given) if isinstance(given, Mapping) else given
    options = dict(share=ADDED, labels=TRAINED) | (given if isinstance(given, dict) else {})
    size, share = options.get('size'), options['share']
    # True is a number, too.
    if (
        options.keys() != {'size', 'share', 'labels'}
        or not (type(size) is int and size > 0)
        or not (share == ADDED or (type(share) is float and 0 < share < 1))
        or options['labels'] not in (TRAINED, SEEN)
    ):
        raise ValueError(
            f'memory={given!r}: write memory=dict(size=<number of images, at least 1>), perhaps '
            f'with share={ADDED!r} or a probability between 0 and 1, and labels={TRAINED!r} or '
            f'{SEEN!r}; memory=None for none'
        )
    return options


def pool_of(kept: Sequence[Candidate], last: Sequence[Candidate]) -> list[Candidate]:
    """What the next memory is drawn from, sorted.

    Args:
        kept: The images of the memory that the last step learned from.
        last: The images of that step. What they say of an image that was kept, too, replaces what
            was known of it: they have the labels of all steps that trained on it.
    """
    pool = {(x.image, x.mask): x for x in last}
    images = {x.image for x in last}
    for x in kept:
        # A file of version 0.1 names no masks.
        if x.mask is not None or x.image not in images:
            pool.setdefault((x.image, x.mask), x)
    return sorted(pool.values(), key=lambda x: (x.image, x.mask or ''))


def draw(
    pool: Sequence[Candidate], classes: Sequence[int], size: int, seed: Sequence[int]
) -> dict[int, list[Candidate]]:
    """A class-balanced draw: shuffled classes, one image for each in turn.

    Args:
        pool: What to draw from.
        classes: Ids of the classes to balance.
        size: How many images; fewer if the pool has no more that show one of the classes.
        seed: Non-negative integers; the same draw for the same numbers and pool.

    Returns:
        Class id to the images drawn for it; no image is drawn twice.

    Raises:
        ValueError: If the size is no positive number.
    """
    if size < 1:
        raise ValueError(f'memory.size must be at least 1, got {size}')
    rng = np.random.default_rng(seed)
    shuffled = [pool[i] for i in rng.permutation(len(pool))]
    # From the end, as stacks.
    left = {int(c): [x for x in shuffled if c in x.classes] for c in rng.permutation(classes)}
    drawn: dict[int, list[Candidate]] = {int(c): [] for c in classes}
    taken: set[Candidate] = set()
    while len(taken) < size and any(left.values()):
        for class_id, stack in left.items():
            while stack and stack[-1] in taken:
                stack.pop()
            if stack and len(taken) < size:
                drawn[class_id].append(stack.pop())
                taken.add(drawn[class_id][-1])
    return drawn


def write_memory(
    path: Path,
    scenario: Scenario,
    step: int,
    seed: int,
    recipe: str,
    drawn: dict[int, list[Candidate]],
    pool: list[Candidate],
) -> None:
    """Write the replay memory of a step as JSON, one image per line.

    ``recipe`` is the fingerprint of the step that it is drawn for (:func:`recipe_in`).
    """
    head = dict(
        scenario=scenario.name,
        fingerprint=scenario.fingerprint,
        step=step,
        seed=seed,
        recipe=recipe,
        size=sum(map(len, drawn.values())),
    )
    images = [dict(asdict(x), drawn_for=c) for c, part in drawn.items() for x in part]
    parts = [f'"{key}": {json.dumps(value)}' for key, value in head.items()]
    for key, rows in (('drawn', images), ('pool', [asdict(x) for x in pool])):
        parts.append(f'"{key}": [\n' + ',\n'.join(map(json.dumps, rows)) + '\n]')
    text = '{' + ',\n'.join(parts) + '}\n'
    write_text(path, text)


def recipe_in(path: Path) -> str | None:
    """The recipe that a memory was drawn for; None if the file is not there, or is no whole one."""
    try:
        return json.loads(path.read_text())['recipe']
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _candidate(entry: dict, step: int) -> Candidate:
    image, mask, steps = entry['image'], entry.get('mask'), entry['steps']
    classes = entry['classes']
    # True would be taken for 1.
    numbers = [type(n) is int and n >= 0 for n in (*steps, *classes)]
    paths = isinstance(image, str) and isinstance(mask, str | None)
    if not (paths and all(numbers) and all(s < step for s in steps)):
        raise ValueError(f'{entry!r:.200} is no image of a step before {step}')
    return Candidate(image, mask, tuple(steps), tuple(classes))


def read_memory(path: str | Path, scenario: Scenario, step: int) -> Memory:
    """The replay memory of a step.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no file of a replay memory, or of another scenario or step.
    """
    path = Path(path)
    remedy = f'train step {step} again without --resume'
    if not path.is_file():
        raise FileNotFoundError(f'{path}: the memory of step {step} is missing: {remedy}')
    try:
        content = json.loads(path.read_text())
        of = content['fingerprint'], content['step']
        memory = Memory(
            *([_candidate(x, of[1]) for x in part] for part in (content['drawn'], content['pool']))
        )
    except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
        raise ValueError(f'{path} is no memory file ({error!r}): {remedy}') from error
    if of[1] != step or not scenario.shares(of[0], step):
        raise ValueError(
            f'{path} is the memory of step {of[1]} of scenario {of[0]}, not of step {step} of '
            f'{scenario.fingerprint} ({scenario.name}): {remedy}{scenario.no_growth}'
        )
    return memory
