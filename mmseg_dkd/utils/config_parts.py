"""What a config consists of."""

from collections.abc import Iterator
from typing import Any


def sections(part: Any) -> Iterator[dict]:
    """Every dictionary in a part of a config, itself included, an outer one before its inner ones.

    One that was given may be changed before the next is asked for.
    """
    if isinstance(part, dict):
        yield part
        part = part.values()
    elif not isinstance(part, list | tuple):
        return
    for inner in part:
        yield from sections(inner)


def components(part: Any) -> Iterator[dict]:
    """Every component in a part of a config that has a ``scenario``: data sets and heads."""
    return (cfg for cfg in sections(part) if 'scenario' in cfg and 'type' in cfg)


def as_list(given: Any) -> list:
    """What may stand in a config alone, in a list, or not at all, such as schedulers and heads: the
    list."""
    if not given:
        return []
    return list(given) if isinstance(given, list | tuple) else [given]
