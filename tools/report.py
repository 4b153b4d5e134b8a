"""Write all of a run as one page: scores, curves, IoU of every class, forgetting, samples, choices.

    python tools/report.py work_dirs/voc_15-5      # writes work_dirs/voc_15-5/report.html

The page opens from the disk and asks for nothing else. Of a run that is not finished, it says what
is missing.
"""

import argparse
from pathlib import Path

from mmseg_dkd.reports.page import write_page


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('work_dir', type=Path, help='folder of a run')
    try:
        print(write_page(parser.parse_args().work_dir))
    except (ValueError, OSError) as error:
        raise SystemExit(f'error: {error}') from error


if __name__ == '__main__':
    main()
