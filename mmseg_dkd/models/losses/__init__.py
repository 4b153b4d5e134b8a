"""The four losses of DKD (Eq. 1), as functions and as registered modules."""

from .auxiliary import AuxiliaryLoss, auxiliary_loss
from .binary_kd import BinaryKDLoss, binary_kd_loss
from .decomposed_kd import DecomposedKDLoss, decompose_logits, decomposed_kd_loss
from .multi_bce import MultiBCELoss, multi_bce_loss

__all__ = [
    'AuxiliaryLoss',
    'BinaryKDLoss',
    'DecomposedKDLoss',
    'MultiBCELoss',
    'auxiliary_loss',
    'binary_kd_loss',
    'decompose_logits',
    'decomposed_kd_loss',
    'multi_bce_loss',
]
