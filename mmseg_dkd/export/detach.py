"""Takes classes of this package along with a config that must not need it."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmseg.registry import DATASETS, MODELS, TRANSFORMS

from ..utils.config_parts import sections

PACKAGE = __name__.partition('.')[0]
REGISTRATION = re.compile(r'\.register_module\(\)\nclass (\w+)')


def detach(cfg: dict) -> tuple[dict, dict[str, str]]:
    """A config that names copies of this package's classes, and the modules that hold them.

    A copy is registered as ``Exported<name>``, so it and the original may meet in one process.

    Args:
        cfg: A config, in plain data.

    Returns:
        The config, and the text of each module by name.

    Raises:
        ValueError: If the module of such a class cannot be copied, since it imports more of this
            package.
    """
    modules: dict[str, str] = {}
    names: dict[str, str] = {}
    for kind in sorted(set(_types(cfg))):
        found = [registry.get(kind) for registry in (MODELS, DATASETS, TRANSFORMS)]
        for module in {f.__module__ for f in found if f is not None}:
            if module.partition('.')[0] == PACKAGE:
                path = Path(inspect.getfile(sys.modules[module]))
                modules[f'dkd_{path.stem}'] = _text(kind, path)
                names[kind] = f'Exported{kind}'
    return _renamed(cfg, names), modules


def _text(kind: str, path: Path) -> str:
    text = path.read_text()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            imported = ['.' * node.level + (node.module or '')]
        elif isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        else:
            continue
        if any(name.partition('.')[0] in ('', PACKAGE) for name in imported):
            raise ValueError(
                f'{kind} cannot be exported: {path.name}, line {node.lineno}, imports more of '
                f'{PACKAGE}, which an exported model must not need'
            )
    if kind not in REGISTRATION.findall(text):
        raise ValueError(f'{kind} cannot be exported: {path.name} registers no class of this name')
    return REGISTRATION.sub(r".register_module(name='Exported\1')\nclass \1", text)


def _types(cfg: object) -> Iterator[str]:
    return (part['type'] for part in sections(cfg) if isinstance(part.get('type'), str))


def _renamed(cfg: Any, names: dict[str, str]) -> Any:
    if isinstance(cfg, dict):
        renamed = {key: _renamed(value, names) for key, value in cfg.items()}
        if isinstance(cfg.get('type'), str):
            renamed['type'] = names.get(cfg['type'], cfg['type'])
        return renamed
    if isinstance(cfg, list | tuple):
        return type(cfg)(_renamed(item, names) for item in cfg)
    return cfg
