"""The life of a run on disk: its steps, what is done, what is left to do."""

from .plan import StepPlan
from .run import Run

__all__ = ['Run', 'StepPlan']
