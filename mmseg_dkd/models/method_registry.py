"""Methods by their names, and a decode head of mmseg's made into one of theirs."""

from functools import cache

from mmengine.registry import Registry
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS

from .base_heads import find_base
from .incremental_head import IncrementalHead

METHODS = Registry('method of incremental learning')


@cache
def _over(method: type[IncrementalHead], base: type[BaseDecodeHead]) -> type[BaseDecodeHead]:
    return type(method.__name__.removesuffix('Head') + base.__name__, (method, base), {})


def register_method(method: type[IncrementalHead]) -> type[IncrementalHead]:
    """Register a method as a decode head: ``dict(type=<its name>, base_type='ASPPHead', ...)``.

    ``base_type`` is the registered name of a ``BaseDecodeHead`` that ends in a 1x1 ``conv_seg``,
    one of ``mmseg_dkd.models.base_heads.INCREMENTAL_HEADS`` or another like them; every
    argument that the method does not name goes to it.
    """

    def build(base_type: str, **cfg) -> BaseDecodeHead:
        return _over(method, find_base(base_type))(**cfg)  # type: ignore[arg-type]

    METHODS.register_module(module=method)
    MODELS.register_module(name=method.__name__, module=build)
    return method


def as_incremental(kind: str) -> str:
    """How a stock head is written as an incremental one, for a message."""
    return (
        f'dict(type=..., base_type={kind!r}, ...) with one of the types '
        f'{", ".join(sorted(METHODS.module_dict))}'
    )


def method_of(head: dict) -> type[IncrementalHead]:
    """The method that a head's config names.

    Raises:
        TypeError: If it names none.
    """
    method = METHODS.get(head['type'])
    if method is None:
        raise TypeError(
            f'{head["type"]} is no incremental head: write it as {as_incremental(head["type"])}'
        )
    return method
