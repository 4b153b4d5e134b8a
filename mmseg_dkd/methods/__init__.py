"""Methods of incremental learning: every file and package of this folder is imported."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__, f'{__name__}.'):
    import_module(_module.name)
