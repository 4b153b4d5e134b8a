"""Hooks of mmengine's runner."""

from .cost_hook import CostHook
from .finite_hook import FiniteHook
from .forgetting_hook import ForgettingHook
from .gradient_hook import GradientHook
from .seed_hook import IterationSeedHook
from .step_hook import IncrementalStepHook

__all__ = [
    'CostHook',
    'FiniteHook',
    'ForgettingHook',
    'GradientHook',
    'IncrementalStepHook',
    'IterationSeedHook',
]
