"""Configs as the Python text that mmengine writes of them, and reads again as code."""

import keyword
import math
import os
from collections.abc import Iterator


def lost_in_text(part: object, name: str = '') -> Iterator[str]:
    """What of a config would be something else once it was written and read back.

    mmengine pastes keys into the text as they are, and when it reads one it replaces what stands in
    double braces, such as ``{{ fileDirname }}``.

    Args:
        part: A config, in plain data.
        name: Where the part stands in the config; its whole if empty.

    Yields:
        In words, with key, value and remedy.
    """
    if isinstance(part, dict):
        quoted = not all(str(key).isidentifier() for key in part)
        for key, value in part.items():
            if keyword.iskeyword(str(key)) and not quoted:
                yield _bad_key(key, name, 'is a word of Python')
            elif isinstance(key, str) and (repr(key) != f"'{key}'" or '{{' in key):
                yield _bad_key(key, name, 'has a quote, a backslash, "{{" or a control character')
            elif not name and not str(key).isidentifier():
                yield _bad_key(key, name, 'is no identifier')
            yield from lost_in_text(value, f'{name}.{key}'.strip('.'))
    elif isinstance(part, list | tuple):
        for number, item in enumerate(part):
            yield from lost_in_text(item, f'{name}.{number}')
    elif isinstance(part, str) and '{{' in part:
        yield f'{name} is {part!r}: mmengine would replace what is in "{{{{": rename it'
    elif isinstance(part, os.PathLike):
        yield f'{name} is {part!r}: write it as a text, str(...)'
    elif isinstance(part, float) and not math.isfinite(part):
        yield f'{name} is {part}: write a large number instead, such as 1e30'


def _bad_key(key: object, name: str, why: str) -> str:
    return f'{name or "the config"} has the key {key!r}, which {why}: rename it'
