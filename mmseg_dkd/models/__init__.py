"""Networks, losses and what they start from."""

from . import losses
from .classifier import StepClassifiers
from .efficientnet_lite import EfficientNetLite
from .incremental_head import IncrementalHead
from .method_registry import register_method
from .official_aspp_head import OfficialASPPHead
from .segmentor import IncrementalSegmentor
from .sigmoid_head import SigmoidHead
from .softmax_head import SoftmaxHead
from .tta import IncrementalTTAModel

__all__ = [
    'EfficientNetLite',
    'IncrementalHead',
    'IncrementalSegmentor',
    'IncrementalTTAModel',
    'OfficialASPPHead',
    'SigmoidHead',
    'SoftmaxHead',
    'StepClassifiers',
    'losses',
    'register_method',
]
