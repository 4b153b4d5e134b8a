"""What the arguments of a scenario say: which classes it learns, and at which step."""

import re
from collections.abc import Iterable, Sequence

import numpy as np


def part_of(classes: Sequence[int] | None, num_classes: int) -> tuple[int, ...]:
    """The class ids that are learned, ascending; all of ``1 .. num_classes`` for None.

    Raises:
        ValueError: If they are no part of them.
    """
    ids = range(1, num_classes + 1)
    if classes is None:
        return tuple(ids)
    classes = _listed(classes, 'classes')
    wrong = [c for c in classes if isinstance(c, bool) or c not in ids]
    if wrong or len(set(classes)) < len(classes) or not classes:
        raise ValueError(
            f'classes={list(classes)!r:.300} must be different class ids, 1 to {len(ids)}, at '
            'least one'
        )
    return tuple(sorted(int(c) for c in classes))


def named(
    name: str | Sequence[Sequence[int]], classes: tuple[int, ...], order: Sequence[int] | None
) -> tuple[str, tuple[tuple, ...]]:
    """The name of a scenario, and the class ids of every step, not checked yet.

    Args:
        name: As of :class:`.Scenario`.
        classes: The class ids that are learned, ascending.
        order: The same in the order of learning.

    Raises:
        ValueError: If the name does not add up to the number of classes, or explicit steps come
            with an order.
    """
    if isinstance(name, str):
        order = _listed(classes if order is None else order, 'order')
        return name, _cut(order, _sizes(name, len(classes)))
    if order is not None:
        raise ValueError('explicit steps carry their own order: leave order out')
    steps = tuple(_listed(step, 'a step') for step in _listed(name, 'name'))
    return '+'.join(str(len(step)) for step in steps), steps


def checked(
    steps: Sequence[tuple], classes: tuple[int, ...], refresh: bool, name: str, which: str
) -> tuple[tuple[int, ...], ...]:
    """The steps, as plain integers.

    Args:
        steps: Class ids of every step.
        classes: Those that are learned, ascending.
        refresh: Whether a step may have a class that a step before has had.
        name: The name of the scenario, for a message.
        which: What ``classes`` are, for a message.

    Raises:
        ValueError: If they do not learn each class once, or there is a step without classes.
    """
    learned = [c for step in steps for c in step]
    if not all(isinstance(c, int | np.integer) and not isinstance(c, bool) for c in learned):
        raise ValueError(f'class ids must be integers, got {learned!r:.300}')
    if refresh and all(len(set(step)) == len(step) for step in steps):
        learned = list(dict.fromkeys(learned))
    if sorted(learned) != list(classes):
        missing = sorted(set(classes) - set(learned))
        surplus = sorted({c for c in learned if learned.count(c) > 1 or c not in classes})
        raise ValueError(
            f'scenario {name!r} must learn each class id {which} exactly once: '
            f'missing {missing}, repeated or out of range {surplus}. To learn a part of a data '
            "set's classes, name it by classes=[...]; to learn one again from new images, set "
            'refresh=True'
        )
    if not steps or any(len(step) == 0 for step in steps):
        raise ValueError(f'scenario {name!r} has a step without classes')
    return tuple(tuple(int(c) for c in step) for step in steps)


def _listed(value: object, what: str) -> tuple:
    if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
        raise ValueError(
            f"{what} must be a list, got {value!r:.300}: a scenario is named like '15-5' or gives "
            'a list of class ids for every step'
        )
    return tuple(value)


def _sizes(name: str, num_classes: int) -> list[int]:
    if name == 'joint':
        return [num_classes]
    match = re.fullmatch(r'([1-9][0-9]{0,8})-([1-9][0-9]{0,8})', name)
    if match is None:
        raise ValueError(
            f"scenario name {name!r:.300} is neither 'joint' nor 'base-increment' such as '15-5'"
        )
    base, increment = map(int, match.groups())
    rest = num_classes - base
    if rest <= 0 or rest % increment:
        raise ValueError(
            f'scenario {name!r} does not add up: {num_classes} classes less {base} leave {rest}, '
            f'which is not a positive multiple of {increment}. Choose another name, or give the '
            'steps as lists of class ids'
        )
    return [base] + [increment] * (rest // increment)


def _cut(order: tuple[int, ...], sizes: list[int]) -> tuple[tuple[int, ...], ...]:
    ends = np.cumsum(sizes)
    # Everything behind the last size stays in the last step, so that a surplus id is reported.
    starts = [0, *ends[:-1].tolist()]
    stops = [*ends[:-1].tolist(), len(order)]
    return tuple(tuple(order[a:b]) for a, b in zip(starts, stops, strict=True))
