"""Rename the weights of the reference MobileNetV2 for mmsegmentation's backbone of that name."""

from collections.abc import Mapping

from torch import Tensor

_BLOCKS_PER_LAYER = (1, 2, 3, 4, 3, 3, 1)
_NORM_ENTRIES = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')
# The backbone ends before the last 1 x 1 convolution and the classifier.
_DROPPED = ('features.18.', 'classifier.')


def name_map() -> dict[str, str]:
    """Return every source name with its name in mmsegmentation's ``MobileNetV2``."""
    names: dict[str, str] = {}

    def add(source: str, position: int, target: str) -> None:
        names[f'{source}.{position}.weight'] = f'{target}.conv.weight'
        for entry in _NORM_ENTRIES:
            names[f'{source}.{position + 1}.{entry}'] = f'{target}.bn.{entry}'

    add('features.0', 0, 'conv1')
    block = 0
    for layer, blocks in enumerate(_BLOCKS_PER_LAYER, start=1):
        for index in range(blocks):
            block += 1
            # The first block does not expand its input, so it has one convolution less.
            for conv in range(2 if block == 1 else 3):
                add(f'features.{block}.conv', 3 * conv, f'layer{layer}.{index}.conv.{conv}')
    return names


def convert(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a MobileNetV2 (width 1.0) state dict for ``mmseg.models.MobileNetV2``.

    Args:
        state_dict: flat names, ``features.1.conv.0.weight``, as torchvision published them at
            first. ``features.18`` and ``classifier`` are dropped. The nested names of today's
            torchvision (``features.1.conv.0.0.weight``) are refused.

    Returns:
        The same tensors, not copied, under names without a prefix; loads with ``strict=True``.

    Raises:
        ValueError: names are missing or surplus; the message lists them.
    """
    names = name_map()
    kept = {name for name in state_dict if not name.startswith(_DROPPED)}
    missing, surplus = sorted(names.keys() - kept), sorted(kept - names.keys())
    if missing or surplus:
        raise ValueError(f'not a MobileNetV2 state dict: missing {missing}, surplus {surplus}')
    return {target: state_dict[source] for source, target in names.items()}
