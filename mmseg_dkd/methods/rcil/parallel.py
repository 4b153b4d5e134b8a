"""A convolution and its BatchNorm in two branches: one to remember, one to learn."""

import copy

import torch
from torch import Tensor, nn


class Parallel(nn.Module):
    """Two of a module: ``frozen`` and ``trained``, equal to begin with.

    Weights of the plain module, such as pretrained ones, can be loaded: they start both.

    Args:
        module: What to double.
        frozen: Keep the first as it is, in eval mode, whatever loops say. At step 0 there is
            nothing to remember, and both are trained.
    """

    def __init__(self, module: nn.Module, frozen: bool) -> None:
        super().__init__()
        self.frozen = module
        self.trained = copy.deepcopy(module)
        self.is_frozen = frozen
        if frozen:
            self.frozen.requires_grad_(False)

    def train(self, mode: bool = True) -> 'Parallel':
        """Training mode, less what is frozen."""
        super().train(mode)
        if self.is_frozen:
            self.frozen.eval()
        return self

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        plain = [k for k in state_dict if k.startswith(prefix) and '.' not in k[len(prefix) :]]
        for key in plain:
            tensor, name = state_dict.pop(key), key[len(prefix) :]
            state_dict |= {f'{prefix}{branch}.{name}': tensor for branch in ('frozen', 'trained')}
        super()._load_from_state_dict(state_dict, prefix, *args)


class ParallelConv(Parallel):
    """Two convolutions, for a :class:`ParallelNorm` behind them."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``[N, C_in, H, W]`` to the maps ``[N, C, h, w]`` of both branches."""
        return self.frozen(x), self.trained(x)


class ParallelNorm(Parallel):
    """Two BatchNorms, and the sum of both branches.

    In training every channel draws its pair of weights anew, the same for all images and pixels:
    (1, 0), (0, 1) or (1/2, 1/2), each as likely. In eval mode it is the mean of the branches.
    """

    def forward(self, branches: tuple[Tensor, Tensor]) -> Tensor:
        """Maps ``[N, C, h, w]`` of both branches to one of that shape."""
        frozen, trained = self.frozen(branches[0]), self.trained(branches[1])
        if not self.training:
            return (frozen + trained) / 2
        channels = frozen.shape[1]
        weight = torch.randint(3, (channels, 1, 1), device=frozen.device).to(frozen.dtype) / 2
        return weight * frozen + (1 - weight) * trained
