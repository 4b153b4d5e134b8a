"""PLOP: learning without forgetting for continual semantic segmentation (Douillard et al., CVPR
2021)."""

from .head import PLOPHead

__all__ = ['PLOPHead']
