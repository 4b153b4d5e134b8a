"""Everything public has a docstring, and tensors have shapes."""

import importlib
import inspect
import pkgutil
import re
from types import UnionType
from typing import get_args, get_origin

import pytest
from torch import Tensor

import mmseg_dkd

SHAPE = re.compile(r'``(?:\w+ )?\[[^`\]]+\]')
SEE = re.compile(r'^See :func:`\.?(\w+)`\.$', re.M)


def modules() -> list:
    """All modules of the package."""
    found = pkgutil.walk_packages(mmseg_dkd.__path__, 'mmseg_dkd.')
    return [mmseg_dkd, *(importlib.import_module(module.name) for module in found)]


def public() -> dict[str, tuple[object, type | None]]:
    """Every public class, function, method and property where it is defined, and its class."""
    found = {}
    for module in modules():
        for name, member in vars(module).items():
            if name.startswith('_') or getattr(member, '__module__', None) != module.__name__:
                continue
            if inspect.isfunction(member) or inspect.isclass(member):
                found[f'{module.__name__}.{name}'] = member, None
            if inspect.isclass(member):
                for key, value in vars(member).items():
                    if not key.startswith('_') and is_code(value):
                        found[f'{module.__name__}.{name}.{key}'] = plain(value), member
    return found


def is_code(member: object) -> bool:
    return isinstance(member, property | classmethod | staticmethod) or inspect.isfunction(member)


def plain(member: object) -> object:
    return getattr(member, '__func__', getattr(member, 'fget', member))


def takes_tensors(function: object) -> bool:
    """Whether a tensor goes in or out as such, not in a dict of states or a list of maps."""
    hints = inspect.get_annotations(function).values()
    direct = [hint for hint in hints if get_origin(hint) in (None, tuple, UnionType)]
    return any(Tensor in (hint, *get_args(hint)) for hint in direct)


def has_shape(function: object, owner: type | None) -> bool:
    """Whether its docstring, that of its class or of what it overrides, or of the function that it
    refers to, has a shape such as ``[N, C, h, w]``."""
    overridden = [vars(kind).get(function.__name__) for kind in (owner.__mro__ if owner else ())]
    texts = [member.__doc__ or '' for member in (function, owner, *overridden) if member]
    referred = [vars(inspect.getmodule(function))[name] for name in SEE.findall(texts[0])]
    return any(SHAPE.search(text) for text in (*texts, *(other.__doc__ for other in referred)))


def test_everything_public_has_a_docstring():
    found = public()
    assert len(found) > 350
    documented = [module for module in modules() if module.__doc__]
    assert len(documented) == len(modules())
    assert [name for name, (member, _) in found.items() if not member.__doc__] == []


def test_tensors_have_shapes():
    tensors = {
        name: has_shape(member, owner)
        for name, (member, owner) in public().items()
        if not inspect.isclass(member) and takes_tensors(member)
    }
    assert len(tensors) > 60
    assert [name for name, shaped in tensors.items() if not shaped] == []


@pytest.mark.parametrize(
    ('text', 'shaped'),
    [
        ('Logits ``[N, C, h, w]``.', True),
        ('bool ``[images, num_classes + 1]``', True),
        ('Integer ``int64 [2, 3]``', True),
        ('Logits [N, C].', False),
        ('``[]``', False),
    ],
)
def test_what_is_a_shape(text, shaped):
    assert bool(SHAPE.search(text)) == shaped
