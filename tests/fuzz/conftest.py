"""Prints what the inputs gave, for the table of docs/reliability.md."""

from .trial import TALLY


def pytest_terminal_summary(terminalreporter) -> None:
    for kind in dict.fromkeys(kind for kind, _ in TALLY):
        taken, refused = TALLY[kind, 'taken'], TALLY[kind, 'refused']
        terminalreporter.write_line(
            f'{kind}: {taken + refused} tried, {refused} refused, {taken} taken'
        )
