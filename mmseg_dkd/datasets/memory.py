"""The replay memory: which images of earlier steps come back, and the file that says so."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..scenario import Scenario
from ..utils.atomic import write_atomically


@dataclass(frozen=True)
class Candidate:
    """An image of earlier steps.

    ``image``: its path below the data set's root. ``steps``: the steps that trained on it, whose
    classes are labelled in it. ``classes``: ids of the learned classes that it shows: labelled
    ones, and those that the old model is sure of.
    """

    image: str
    steps: tuple[int, ...]
    classes: tuple[int, ...]


class Memory(NamedTuple):
    """Images drawn for a step, and the pool they were drawn from."""

    drawn: list[Candidate]
    pool: list[Candidate]


def add_to_pool(pool: Iterable[Candidate], new: Iterable[Candidate]) -> list[Candidate]:
    """The pool with the images of one more step. An image that was there already has the steps of
    both, and the classes that were found last."""
    merged = {candidate.image: candidate for candidate in pool}
    for candidate in new:
        known = merged.get(candidate.image)
        steps = {*candidate.steps, *(known.steps if known else ())}
        merged[candidate.image] = Candidate(
            candidate.image, tuple(sorted(steps)), candidate.classes
        )
    return [merged[image] for image in sorted(merged)]


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
    taken: set[str] = set()
    while len(taken) < size and any(left.values()):
        for class_id, stack in left.items():
            while stack and stack[-1].image in taken:
                stack.pop()
            if stack and len(taken) < size:
                drawn[class_id].append(stack.pop())
                taken.add(drawn[class_id][-1].image)
    return drawn


def write_memory(
    path: Path,
    scenario: Scenario,
    step: int,
    seed: int,
    drawn: dict[int, list[Candidate]],
    pool: list[Candidate],
) -> None:
    """Write the replay memory of a step as JSON, one image per line."""
    head = dict(
        scenario=scenario.name,
        fingerprint=scenario.fingerprint,
        step=step,
        seed=seed,
        size=sum(map(len, drawn.values())),
    )
    images = [dict(asdict(x), drawn_for=c) for c, part in drawn.items() for x in part]
    parts = [f'"{key}": {json.dumps(value)}' for key, value in head.items()]
    for key, rows in (('drawn', images), ('pool', [asdict(x) for x in pool])):
        parts.append(f'"{key}": [\n' + ',\n'.join(map(json.dumps, rows)) + '\n]')
    text = '{' + ',\n'.join(parts) + '}\n'
    write_atomically(path, lambda file: file.write(text.encode()))


def _candidate(entry: dict, step: int) -> Candidate:
    image, steps, classes = entry['image'], entry['steps'], entry['classes']
    # True would be taken for 1.
    numbers = [type(n) is int and n >= 0 for n in (*steps, *classes)]
    if not (isinstance(image, str) and all(numbers) and all(s < step for s in steps)):
        raise ValueError(f'{entry!r:.200} is no image of a step before {step}')
    return Candidate(image, tuple(steps), tuple(classes))


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
