"""What half precision cannot hold, in mixed precision."""

import torch
from torch import Tensor


def float32_at_least(values: Tensor) -> Tensor:
    """The values, ``[...]``, in float32 if they are in float16 or bfloat16, else as they are.

    Losses start with it. Squares and sums over pixels overflow half precision, and the gradient of
    one pixel underflows: so it goes back to half precision only where it is a feature's or a
    logit's, the loss scale included.
    """
    return values.to(torch.promote_types(values.dtype, torch.float32))
