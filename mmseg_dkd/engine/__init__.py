"""The hook, the config of a step, and the sequence of steps."""

from .change_hook import ReasoningChangeHook
from .launch import launch
from .optim_groups import GroupedOptimWrapperConstructor
from .plan import StepPlan
from .sequence import Sequence
from .step_config import step_config
from .step_hook import IncrementalStepHook

__all__ = [
    'GroupedOptimWrapperConstructor',
    'IncrementalStepHook',
    'ReasoningChangeHook',
    'Sequence',
    'StepPlan',
    'launch',
    'step_config',
]
