"""Registers the types of this package with mmengine and mmsegmentation, by importing them."""

from .utils.quiet import without_notices

with without_notices():
    from . import datasets, engine, evaluation, methods, models

from .utils import checkpoint_sources

checkpoint_sources.register()

__all__ = ['datasets', 'engine', 'evaluation', 'methods', 'models']
