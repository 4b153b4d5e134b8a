"""Numbers: what was learned, and what was forgotten."""

from .confusion import ConfusionMetric
from .conventions import Convention, conventions_of
from .metric import IncrementalIoUMetric
from .scores import harmonic_mean, summarise

__all__ = [
    'ConfusionMetric',
    'Convention',
    'IncrementalIoUMetric',
    'conventions_of',
    'harmonic_mean',
    'summarise',
]
