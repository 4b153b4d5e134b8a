"""Figures and pictures of what was learned and what was forgotten."""

from .metric import IncrementalIoUMetric
from .scores import harmonic_mean, summarise

__all__ = ['IncrementalIoUMetric', 'harmonic_mean', 'summarise']
