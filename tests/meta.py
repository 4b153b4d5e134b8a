"""Networks without memory: names, shapes and flags, built in no time."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode


class _LinspaceOnCPU(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is torch.linspace:
            kwargs = dict(kwargs, device='cpu')
        return function(*args, **kwargs)


@contextmanager
def on_meta() -> Iterator[None]:
    """``torch.device('meta')`` under which mmseg's transformers can be built too.

    They read the values of a ``torch.linspace``, the rates of their drop paths.
    """
    with torch.device('meta'), _LinspaceOnCPU():
        yield
