"""RCIL: representation compensation (Zhang et al., CVPR 2022)."""

from .head import RCILHead

__all__ = ['RCILHead']
