"""Notices of other packages that say nothing to a user of this one."""

import contextlib
import io
import sys
import warnings
from collections.abc import Iterator

# mmseg prints it twice: of transforms and data sets that this package does not use.
PRINTED = 'Could not import OneDL'
# mmcv without compiled operators, which nothing here needs.
WARNED = 'Fail to import ``MultiScaleDeformableAttention``'


@contextlib.contextmanager
def without_notices() -> Iterator[None]:
    """Import mmcv and mmseg without these notices; what else is printed or warned of comes out."""
    printed = io.StringIO()
    # Not within catch_warnings, which would drop the filters that torch and others set.
    warnings.filterwarnings('ignore', message=WARNED)
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        kept = [line for line in printed.getvalue().splitlines(True) if PRINTED not in line]
        if sys.stdout:
            sys.stdout.writelines(kept)
