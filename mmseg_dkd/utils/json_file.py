"""JSON files that are read and written whole."""

import json
from pathlib import Path
from typing import Any

from .atomic import write_atomically


def read_json(path: Path, default: Any) -> Any:
    """Content of a JSON file, or the default where there is none.

    Raises:
        ValueError: If it holds no JSON; it names file and remedy.
    """
    if not path.exists():
        return default
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(
            f'{path} is damaged ({error}): bring it back from a copy, or remove it and train the '
            'steps that it is to hold again'
        ) from error


def write_json(path: Path, content: object) -> None:
    """Write a JSON file, whole or not at all."""
    text = json.dumps(content, indent=2) + '\n'
    write_atomically(path, lambda file: file.write(text.encode()))
