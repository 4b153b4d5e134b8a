"""Which decode heads can be incremental, and why another one cannot."""

import inspect

import torch
from mmseg.models.decode_heads.cascade_decode_head import BaseCascadeDecodeHead
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import nn

# Of mmseg's heads and ours; docs/models.md says of each what was tested.
INCREMENTAL_HEADS = (
    'ANNHead',
    'APCHead',
    'ASPPHead',
    'DMHead',
    'DNLHead',
    'DPTHead',
    'DepthwiseSeparableASPPHead',
    'DepthwiseSeparableFCNHead',
    'EMAHead',
    'FCNHead',
    'FPNHead',
    'GCHead',
    'ISAHead',
    'LRASPPHead',
    'LightHamHead',
    'NLHead',
    'OfficialASPPHead',
    'PSPHead',
    'ProjectedASPPHead',
    'SETRMLAHead',
    'SETRUPHead',
    'SegformerHead',
    'UPerHead',
)
# These give a list of maps in training, but in eval mode a single one, for a head of their own.
SINGLE_MAP_BACKBONES = ('DDRNet', 'PIDNet')
# What an incremental head replaces, so that a head's own would be lost.
REPLACED = ('cls_seg', 'loss', 'loss_by_feat')


def refusal(name: str, reason: str) -> TypeError:
    """The error that says why a head cannot be incremental, and which ones can."""
    return TypeError(
        f'{name} cannot be incremental: {reason}. Heads that can be: {", ".join(INCREMENTAL_HEADS)}'
    )


def find_base(name: str) -> type[BaseDecodeHead]:
    """The registered head of this name, checked as far as its class tells.

    Raises:
        TypeError: If there is none, it is no ``BaseDecodeHead``, it needs the output of another
            head, or it does not classify through ``cls_seg``.
    """
    base = MODELS.get(name)
    if not (inspect.isclass(base) and issubclass(base, BaseDecodeHead)):
        raise refusal(name, 'it is no registered BaseDecodeHead')
    if issubclass(base, BaseCascadeDecodeHead):
        raise refusal(name, 'it refines the output of another head (a cascade)')
    own = (part for part in base.__mro__ if part not in BaseDecodeHead.__mro__)
    methods = [method for part in own for method in vars(part).values()]
    code = [inspect.unwrap(method).__code__ for method in methods if inspect.isfunction(method)]
    if not any('cls_seg' in part.co_names for part in code):
        raise refusal(name, 'it does not end with cls_seg, which applies a 1x1 conv_seg')
    return base


def check_built(head: BaseDecodeHead, base: type[BaseDecodeHead], cfg: dict) -> None:
    """Check what only a built head tells, before its ``conv_seg`` is replaced.

    Args:
        head: The head.
        base: The stock class it is made of.
        cfg: Arguments the stock class was built with.

    Raises:
        TypeError: If its classifier is no 1x1 convolution, something else depends on the number of
            classes (it would not fit the next step), or it has a ``cls_seg`` or a loss of its own.
    """
    classifier = getattr(head, 'conv_seg', None)
    if not isinstance(classifier, nn.Conv2d) or classifier.kernel_size != (1, 1):
        raise refusal(
            base.__name__, f'its classifier is {classifier}, not a 1x1 convolution named conv_seg'
        )
    # With one class more, what depends on the number of classes has another shape.
    with torch.random.fork_rng(devices=()):
        wider = base(**dict(cfg, num_classes=head.num_classes + 1))
    shapes = [{(key, v.shape) for key, v in h.state_dict().items()} for h in (head, wider)]
    further = {key.rpartition('.')[0] or key for key, _ in shapes[0] ^ shapes[1]} - {'conv_seg'}
    if further:
        raise refusal(
            base.__name__,
            'it has more than conv_seg that depends on the number of classes: '
            f'{", ".join(sorted(further))}',
        )
    own = [name for name in REPLACED if getattr(base, name) is not getattr(BaseDecodeHead, name)]
    if own:
        raise refusal(
            base.__name__,
            f'it has a {" and a ".join(own)} of its own, which an incremental head replaces',
        )
