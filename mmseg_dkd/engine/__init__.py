"""What mmengine calls while a step is trained, and how a step starts from the one before."""

from .hooks import FiniteHook, ForgettingHook, IncrementalStepHook, IterationSeedHook
from .optimizers import GroupedOptimWrapperConstructor, WarmUpPolyLR

__all__ = [
    'FiniteHook',
    'ForgettingHook',
    'GroupedOptimWrapperConstructor',
    'IncrementalStepHook',
    'IterationSeedHook',
    'WarmUpPolyLR',
]
