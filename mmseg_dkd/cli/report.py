"""Write all of a run as one page: scores, curves, IoU of every class, forgetting, samples, choices.

    mmseg-dkd report work_dirs/dkd/voc_15-5      # writes work_dirs/dkd/voc_15-5/report.html

The page opens from the disk and asks for nothing else. Of a run that is not finished, it says what
is missing.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument('work_dir', type=Path, help='folder of a run')


def run(args: argparse.Namespace) -> None:
    """Write the page, and print where it is."""
    from ..reports.page import write_page

    print(write_page(args.work_dir))
