"""Networks, losses and what they start from."""

from . import losses
from .classifier import IncrementalClassifier
from .dkd_head import build_dkd_head
from .official_aspp_head import OfficialASPPHead
from .segmentor import IncrementalSegmentor
from .tta import IncrementalTTAModel

__all__ = [
    'IncrementalClassifier',
    'IncrementalSegmentor',
    'IncrementalTTAModel',
    'OfficialASPPHead',
    'build_dkd_head',
    'losses',
]
