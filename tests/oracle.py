"""Where the results of the authors' programs lie: tests/data/README.md says what each file is."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

ORACLE = Path(__file__).parent / 'data' / 'oracle'


def fill(name: str, shape: Sequence[int]) -> torch.Tensor:
    """Parameter values as the oracle's makers drew them, from the parameter's official name."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith('num_batches_tracked'):
        return torch.tensor(0)
    if name.endswith('running_var'):
        values = rng.uniform(0.5, 1.5, shape)
    elif name.endswith('weight') and len(shape) == 4:
        values = rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
    elif name.endswith('weight') and len(shape) == 1:
        values = rng.uniform(0.2, 0.6, shape)
    else:
        values = 0.1 * rng.standard_normal(shape)
    return torch.from_numpy(values)


def case(method: str, name: str) -> dict[str, Tensor]:
    """A case of a method by its keys; labels are of int64, a number is a tensor without dimensions.

    Args:
        method: Name of the file, such as ``mib``.
        name: Name of the case in it, such as ``voc15_5``.
    """
    with np.load(ORACLE / f'{method}.npz') as arrays:
        found = {
            key.removeprefix(f'{name}/'): torch.as_tensor(arrays[key])
            for key in arrays.files
            if key.startswith(f'{name}/')
        }
    return {k: v.long() if v.dtype == torch.uint8 else v for k, v in found.items()}
