"""Registers the types of this package with mmengine and mmsegmentation, by importing them."""

from .utils.quiet import without_notices

with without_notices():
    from . import datasets, engine, evaluation, methods, models

import torch

from .utils import checkpoint_sources, checkpoint_types

checkpoint_sources.register()
# Whoever reads a checkpoint of mmengine by torch.load(weights_only=True) gets it, and no code.
torch.serialization.add_safe_globals(checkpoint_types.STAND_INS)

__all__ = ['datasets', 'engine', 'evaluation', 'methods', 'models']
