"""DKD: decomposed knowledge distillation (NeurIPS 2022)."""

from .change_hook import ReasoningChangeHook
from .classifier import DKDClassifier
from .head import DKDHead

__all__ = ['DKDClassifier', 'DKDHead', 'ReasoningChangeHook']
