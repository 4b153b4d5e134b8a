"""Weights under the names that another network gives them, renamed for one of ours."""

from collections.abc import Mapping

from torch import Tensor, nn

_OF_NORM = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')


def names_of_layer(conv: str, norm: str, target: str) -> dict[str, str]:
    """Every name of a convolution without bias and of the BatchNorm behind it, with the name in the
    ``ConvModule`` that both become."""
    names = {f'{conv}.weight': f'{target}.conv.weight'}
    return names | {f'{norm}.{entry}': f'{target}.bn.{entry}' for entry in _OF_NORM}


def rename(
    state: Mapping[str, Tensor], names: Mapping[str, str], dropped: tuple[str, ...], to: nn.Module
) -> dict[str, Tensor]:
    """The same tensors, not copied, by the names that a network gives them.

    Args:
        state: The tensors by their old names.
        names: Every old name with the new one.
        dropped: How the old names begin that are left out.
        to: The network; it may be without memory.

    Raises:
        ValueError: If names are missing or surplus, or a tensor has another shape than the
            network's; all are listed.
    """
    kept = {name for name in state if not name.startswith(dropped)}
    missing, surplus = sorted(names.keys() - kept), sorted(kept - names.keys())
    kind = type(to).__name__
    if missing or surplus:
        raise ValueError(f'not a {kind} state dict: missing {missing}, surplus {surplus}')
    renamed = {new: state[old] for old, new in names.items()}
    wrong = [
        f'{name} is {tuple(renamed[name].shape)} instead of {tuple(tensor.shape)}'
        for name, tensor in to.state_dict().items()
        if renamed[name].shape != tensor.shape
    ]
    if wrong:
        raise ValueError(f'the state dict is of another {kind}: {", ".join(wrong)}')
    return renamed
