"""Registers the types of this package with mmengine and mmsegmentation, by importing them."""

from .utils.quiet import without_notices

with without_notices():
    from . import datasets, engine, evaluation, methods, models

from .models.weights.download import read_safely

read_safely()

__all__ = ['datasets', 'engine', 'evaluation', 'methods', 'models']
