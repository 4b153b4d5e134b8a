"""The four losses of DKD (Eq. 1) and that of labelled replay, as functions and modules."""

from .auxiliary import AuxiliaryLoss, auxiliary_loss
from .binary_kd import BinaryKDLoss, binary_kd_loss
from .decomposed_kd import DecomposedKDLoss, decompose_logits, decomposed_kd_loss
from .multi_bce import MultiBCELoss, multi_bce_loss
from .replay import ReplayLoss, replay_loss

__all__ = [
    'AuxiliaryLoss',
    'BinaryKDLoss',
    'DecomposedKDLoss',
    'MultiBCELoss',
    'ReplayLoss',
    'auxiliary_loss',
    'binary_kd_loss',
    'decompose_logits',
    'decomposed_kd_loss',
    'multi_bce_loss',
    'replay_loss',
]
