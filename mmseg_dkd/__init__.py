"""Class-incremental semantic segmentation for mmsegmentation, after DKD (NeurIPS 2022).

Importing the package registers its types, so that ``custom_imports = dict(imports=['mmseg_dkd'])``
in a config is all that mmengine and mmsegmentation need.
"""

import sys
from pathlib import Path

from .scenario import Scenario

__version__ = '0.1.0'
__all__ = ['Scenario']

# Registering imports torch and mmseg, which takes seconds. The command reads its arguments before,
# so that --help answers at once, and registers by itself (cli/main.py).
COMMAND = 'mmseg-dkd'
if Path(sys.argv[0]).stem != COMMAND:
    from . import registration  # noqa: F401
