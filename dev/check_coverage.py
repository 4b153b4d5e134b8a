"""Refuse a module of the package whose lines and branches the tests do not reach.

    tools/run_tests.sh --cov && python dev/check_coverage.py

Reads what coverage.py wrote to .coverage, and prints the modules, the least covered first.
"""

import json
from pathlib import Path

from coverage import Coverage
from coverage.exceptions import NoDataError
from prettytable import PrettyTable

REPORT = '.coverage.json'
# Per cent of a module; modules to print.
LEAST, SHOWN = 85, 15


def main() -> None:
    coverage = Coverage()
    coverage.load()
    try:
        coverage.json_report(outfile=REPORT)
    except NoDataError as error:
        raise SystemExit(f'error: {error} Run tools/run_tests.sh --cov first') from error
    files = json.loads(Path(REPORT).read_text())['files']
    found = {path: of['summary']['percent_covered'] for path, of in files.items()}
    table = PrettyTable(['module', 'lines and branches (%)'], align='l')
    for path in sorted(found, key=found.get)[:SHOWN]:
        table.add_row([path, f'{found[path]:.1f}'])
    print(table)
    low = [path for path, percent in found.items() if percent < LEAST]
    if low:
        raise SystemExit(f'error: under {LEAST} %: {", ".join(sorted(low))}')


if __name__ == '__main__':
    main()
