"""Networks without memory: names, shapes and flags, built in no time."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from unittest.mock import patch

import torch


@contextmanager
def on_meta() -> Iterator[None]:
    """``torch.device('meta')`` under which mmseg's transformers can be built too.

    They read the values of a ``torch.linspace``, the rates of their drop paths. Nothing is drawn:
    without values it has no effect, and takes torch longer than all else.
    """
    with (
        torch.device('meta'),
        patch('torch.linspace', partial(torch.linspace, device='cpu')),
        patch('torch.Tensor.normal_', lambda tensor, *args, **kwargs: tensor),
        patch('torch.Tensor.uniform_', lambda tensor, *args, **kwargs: tensor),
    ):
        yield
