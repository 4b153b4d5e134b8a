"""DKD: decomposed knowledge distillation (NeurIPS 2022)."""

from .change_hook import ReasoningChangeHook
from .head import DKDHead

__all__ = ['DKDHead', 'ReasoningChangeHook']
