"""JSON files that are written whole, and read with a look at what they hold."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from .atomic import write_text

REMEDY = 'bring it back from a copy, or remove it and train the steps that it is to hold again'
# Ours have 6 levels. What reads them is recursive.
DEEPEST = 50


class Kind(NamedTuple):
    """A kind of value: what it is, in words, and whether a value is one."""

    words: str
    holds: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    # True is 1. Whole numbers may be beyond all floats.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18


def _is_percent(value: Any) -> bool:
    return value is None or _is_number(value) and 0 <= round(value, 6) <= 100


ANY = Kind('anything', lambda value: True)
TEXT = Kind('a text', lambda value: isinstance(value, str))
FLAG = Kind('true or false', lambda value: isinstance(value, bool))
COUNT = Kind('a whole number from 0 on', lambda value: type(value) is int and 0 <= value < 1e9)
NUMBER = Kind('a number or null', lambda value: value is None or _is_number(value))
PERCENT = Kind('a number from 0 to 100, or null', _is_percent)
STEP = Kind('the number of a step', lambda value: bool(re.fullmatch('0|[1-9][0-9]{0,5}', value)))


def read_json(path: Path, default: Any, shape: Any = ANY, remedy: str = REMEDY) -> Any:
    """Content of a JSON file, or the default where there is none.

    Args:
        path: The file.
        default: For a file that is not there; of any shape.
        shape: What the file must hold: a :class:`Kind`; ``[shape]`` for a list of such;
            ``{'key': shape, 'other?': shape}`` for an object with these keys, those with ``?`` if
            it has them, and perhaps more; ``{kind: shape}`` for an object with keys of a kind.
        remedy: What to do about a file that cannot be used.

    Raises:
        ValueError: If it holds no JSON, or another shape; it names file, key and remedy.
    """
    if not path.exists():
        return default
    return parse_json(path.read_bytes(), str(path), shape, remedy)


def parse_json(text: str | bytes, source: str, shape: Any = ANY, remedy: str = REMEDY) -> Any:
    """Content of a JSON text; see :func:`read_json`. ``source`` says where the text is from."""
    try:
        content = json.loads(text)
        _check_depth(content)
        # Half a surrogate pair, which JSON can escape, could not be written into any page.
        json.dumps(content, ensure_ascii=False).encode()
        for problem in _misfits(content, shape, ''):
            raise ValueError(problem)
    except (ValueError, RecursionError) as error:
        raise damaged(source, error, remedy) from error
    return content


def damaged(source: object, reason: object, remedy: str = REMEDY) -> ValueError:
    """The error that says what is wrong with a JSON file, and what to do."""
    return ValueError(f'{source} is damaged ({reason}): {remedy}')


def write_json(path: Path, content: object) -> None:
    """Write a JSON file, whole or not at all."""
    text = json.dumps(content, indent=2) + '\n'
    write_text(path, text)


def _check_depth(content: Any) -> None:
    level = [content]
    for _ in range(DEEPEST):
        lists = [list(part.values()) for part in level if isinstance(part, dict)]
        lists += [part for part in level if isinstance(part, list)]
        level = sum(lists, [])
    if level:
        raise ValueError(f'it is nested deeper than {DEEPEST} levels')


def _misfits(content: Any, shape: Any, name: str) -> Iterator[str]:
    """What is wrong with a content, by the names of its parts."""
    where = name or 'its content'
    if isinstance(shape, Kind):
        if not shape.holds(content):
            yield f'{where} must be {shape.words}, but is {content!r:.60}'
    elif isinstance(shape, list):
        if not isinstance(content, list):
            yield f'{where} must be a list, but is {content!r:.60}'
            return
        for number, item in enumerate(content):
            yield from _misfits(item, shape[0], f'{name}[{number}]')
    elif not isinstance(content, dict):
        yield f'{where} must be an object, but is {content!r:.60}'
    elif isinstance(kind := next(iter(shape)), Kind):
        for key, value in content.items():
            if not kind.holds(key):
                yield f'the key {key!r:.60} of {where} must be {kind.words}'
            yield from _misfits(value, shape[kind], f'{name}.{key}'.strip('.'))
    else:
        for key, inner in shape.items():
            known = key.removesuffix('?')
            if known in content:
                yield from _misfits(content[known], inner, f'{name}.{known}'.strip('.'))
            elif known == key:
                yield f'{where} has no {known!r}'
