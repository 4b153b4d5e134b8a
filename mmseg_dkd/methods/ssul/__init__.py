"""SSUL: semantic segmentation with an unknown label (Cha et al., NeurIPS 2021)."""

from .aspp import ProjectedASPPHead
from .head import SSULHead
from .saliency import LoadSaliency, SaliencyHook

__all__ = ['LoadSaliency', 'ProjectedASPPHead', 'SSULHead', 'SaliencyHook']
