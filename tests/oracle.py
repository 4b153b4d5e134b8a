"""Where the results of the authors' program lie: tests/data/README.md says what each file is."""

from pathlib import Path

ORACLE = Path(__file__).parent / 'data' / 'oracle'
