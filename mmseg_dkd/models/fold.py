"""BatchNorm of a network in eval mode, folded into the convolution in front of it."""

from collections import Counter

import torch
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .segmentor import IncrementalSegmentor

# Largest change of a map or of a prediction, relative to its largest value.
TOLERANCE = 1e-4


@torch.no_grad()
def fold_batch_norms(model: IncrementalSegmentor, size: tuple[int, int]) -> int:
    """Fold every BatchNorm that only ever sees what one convolution computes.

    In eval mode it is z = t * y + (beta - t * mean) with t = gamma / sqrt(var + eps), so the
    convolution with t * weight and beta + t * (bias - mean) gives z at once. Which BatchNorm reads
    which convolution is observed while the network runs on a random image. A pair is left as it
    is where anything else reads what the convolution computes, or one of both runs more than once.

    What the network computes is compared with what it did: unless all maps of the backbone and the
    output of every head stay the same to 1e-4 of their largest value, nothing is folded. Random
    numbers of the training are not drawn from.

    Args:
        model: On the CPU, in eval mode; changed in place. It is good for inference alone then, and
            its state dict is another one.
        size: Height and width of the image, in pixels.

    Returns:
        Number of BatchNorms that are folded.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        image = torch.randn(1, _channels(model), *size)
        watch = _Watch(model)
        with watch:
            expected = _run(model, image)
        before = [_fold(model, conv, norm) for conv, norm in watch.pairs()]
        found = _run(model, image)
    if all(map(_close, found, expected)):
        return len(before)
    for parts in before:
        _unfold(*parts)
    print_log(
        f'BatchNorm of {type(model).__name__} stays: the network computes something else when '
        'it is folded',
        logger='current',
    )
    return 0


def _channels(model: IncrementalSegmentor) -> int:
    """Of the images that the network takes: 3, or what its first convolution reads."""
    kernels = (weight for weight in model.backbone.parameters() if weight.dim() == 4)
    return next((weight.shape[1] for weight in kernels), 3)


def _run(model: IncrementalSegmentor, image: Tensor) -> list[Tensor]:
    # Some heads draw random numbers even in eval mode.
    torch.manual_seed(1)
    maps = model.extract_feat(image)
    return tree_leaves((maps, [head(maps) for head in model.incremental_heads.values()]))


def _close(found: Tensor, expected: Tensor) -> bool:
    return bool((found - expected).abs().max() <= TOLERANCE * expected.abs().max())


class _Watch(TorchDispatchMode):
    """Sees every operation on tensors, and so everything that reads a convolution's output."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.convs: dict[int, nn.Module] = {}
        self.norms: dict[int, nn.Module] = {}
        for module in model.modules():
            if isinstance(module, _ConvNd) and not isinstance(module, _ConvTransposeNd):
                self.convs[id(module.weight)] = module
            # A subclass may do more than normalise.
            plain = getattr(type(module), 'forward', None) is _BatchNorm.forward
            if plain and module.running_mean is not None:
                self.norms[id(module.running_mean)] = module
        self.reads: Counter[int] = Counter()
        self.outputs: list = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        read = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        self.reads.update(map(id, read))
        norm = next((self.norms[id(x)] for x in read if id(x) in self.norms), None)
        for tensor in read:
            if hasattr(tensor, 'readers'):
                tensor.readers.append(norm)
        if func is torch.ops.aten.convolution.default and id(args[1]) in self.convs:
            # On the tensor itself, since another may get its id when it is gone.
            result.readers = []
            self.outputs.append((self.convs[id(args[1])], result.readers))
        return result

    def pairs(self) -> list[tuple[nn.Module, _BatchNorm]]:
        """Convolutions, and the BatchNorm that is all that reads them."""
        return [
            (conv, readers[0])
            for conv, readers in self.outputs
            if len(readers) == 1
            and readers[0] is not None
            and self.reads[id(conv.weight)] == self.reads[id(readers[0].running_mean)] == 1
        ]


def _fold(model: nn.Module, conv: nn.Module, norm: _BatchNorm) -> tuple:
    """Fold a pair; returns what :func:`_unfold` needs."""
    places = [
        (owner, name)
        for owner in model.modules()
        for name, child in owner.named_children()
        if child is norm
    ]
    before = conv, conv.weight, conv.bias, norm, places
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    bias = -norm.running_mean.double() if conv.bias is None else conv.bias - norm.running_mean
    if norm.affine:
        scale = scale * norm.weight
    bias = bias * scale
    if norm.affine:
        bias = bias + norm.bias
    weight = conv.weight * scale.view(-1, *[1] * (conv.weight.dim() - 1))
    conv.weight = nn.Parameter(weight.to(conv.weight), requires_grad=False)
    conv.bias = nn.Parameter(bias.to(conv.weight), requires_grad=False)
    for owner, name in places:
        setattr(owner, name, nn.Identity())
    return before


def _unfold(conv, weight, bias, norm, places) -> None:
    conv.weight, conv.bias = weight, bias
    for owner, name in places:
        setattr(owner, name, norm)
