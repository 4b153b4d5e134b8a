"""SDR: repulsion and attraction of sparse and disentangled latent representations (CVPR 2021)."""

from .head import SDRHead

__all__ = ['SDRHead']
