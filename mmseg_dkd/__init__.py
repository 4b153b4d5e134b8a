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
# so that --help answers at once, and registers by itself (cli/main.py). sys.argv[0] is '-m' while
# python -m mmseg_dkd looks for its __main__. A worker that is spawned has the command's sys.argv,
# but not its __main__ yet, and registers like everybody else.
COMMAND = 'mmseg-dkd'
_script = Path(getattr(sys.modules['__main__'], '__file__', None) or '')
if _script.stem != COMMAND and sys.argv[0] != '-m':
    from . import registration  # noqa: F401
