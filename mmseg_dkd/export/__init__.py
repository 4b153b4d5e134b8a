"""A step's model for production."""

from .writer import FORMATS, Exported, export

__all__ = ['FORMATS', 'Exported', 'export']
