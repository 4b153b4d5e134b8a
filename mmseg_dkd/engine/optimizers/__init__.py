"""Which parameters learn how fast, and when."""

from .grouped_constructor import GroupedOptimWrapperConstructor
from .warm_up_poly import WarmUpPolyLR

__all__ = ['GroupedOptimWrapperConstructor', 'WarmUpPolyLR']
