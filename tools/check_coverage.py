"""Refuse a module of the package whose lines and branches the tests do not reach.

    tools/run_tests.sh --cov && python tools/check_coverage.py

Reads what coverage.py wrote to .coverage, and prints the modules, the least covered first.
"""

import argparse
import json
from pathlib import Path

from coverage import Coverage
from coverage.exceptions import NoDataError
from prettytable import PrettyTable

REPORT = '.coverage.json'


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--least', type=float, default=85, help='per cent of a module, default 85')
    parser.add_argument('--show', type=int, default=15, help='modules to print, default 15')
    args = parser.parse_args()
    coverage = Coverage()
    coverage.load()
    try:
        coverage.json_report(outfile=REPORT)
    except NoDataError as error:
        raise SystemExit(f'error: {error} Run tools/run_tests.sh --cov first') from error
    files = json.loads(Path(REPORT).read_text())['files']
    found = {path: of['summary']['percent_covered'] for path, of in files.items()}
    table = PrettyTable(['module', 'lines and branches (%)'], align='l')
    for path in sorted(found, key=found.get)[: args.show]:
        table.add_row([path, f'{found[path]:.1f}'])
    print(table)
    low = [path for path, percent in found.items() if percent < args.least]
    if low:
        raise SystemExit(f'error: under {args.least:g} %: {", ".join(sorted(low))}')


if __name__ == '__main__':
    main()
