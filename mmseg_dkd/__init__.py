"""Class-incremental semantic segmentation for mmsegmentation, after DKD (NeurIPS 2022)."""

from . import checkpoint_types, datasets, engine, evaluation, methods, models
from .scenario import Scenario

checkpoint_types.allow()

__version__ = '0.1.0'
__all__ = ['Scenario', 'datasets', 'engine', 'evaluation', 'methods', 'models']
