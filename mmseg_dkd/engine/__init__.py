"""The hook, the config of a step, and the sequence of steps."""

from .change_hook import ReasoningChangeHook
from .finite_hook import FiniteHook
from .launch import launch
from .optim_groups import GroupedOptimWrapperConstructor
from .plan import StepPlan
from .seed_hook import IterationSeedHook
from .sequence import Sequence
from .step_config import step_config
from .step_hook import IncrementalStepHook

__all__ = [
    'FiniteHook',
    'GroupedOptimWrapperConstructor',
    'IncrementalStepHook',
    'IterationSeedHook',
    'ReasoningChangeHook',
    'Sequence',
    'StepPlan',
    'launch',
    'step_config',
]
