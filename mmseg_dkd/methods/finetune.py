"""Fine-tuning: cross entropy over background and the seen classes, and nothing else.

It forgets, since a pixel of an old class is unknown, and unknown is background.
"""

from ..models.method_registry import register_method
from ..models.softmax_head import SoftmaxHead

register_method(SoftmaxHead)
