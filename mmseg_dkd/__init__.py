"""Class-incremental semantic segmentation for mmsegmentation, after DKD (NeurIPS 2022)."""

from . import datasets, engine, evaluation, methods, models
from .scenario import Scenario
from .utils import checkpoint_types

checkpoint_types.allow()

__version__ = '0.1.0'
__all__ = ['Scenario', 'datasets', 'engine', 'evaluation', 'methods', 'models']
