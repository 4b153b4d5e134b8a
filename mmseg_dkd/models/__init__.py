"""Networks, losses and what they start from."""

from . import losses
from .classifier import IncrementalClassifier
from .incremental_head import IncrementalHead, register_method
from .official_aspp_head import OfficialASPPHead
from .segmentor import IncrementalSegmentor
from .sigmoid_head import SigmoidHead
from .tta import IncrementalTTAModel

__all__ = [
    'IncrementalClassifier',
    'IncrementalHead',
    'IncrementalSegmentor',
    'IncrementalTTAModel',
    'OfficialASPPHead',
    'SigmoidHead',
    'losses',
    'register_method',
]
