"""Numbers as people write them on a command line."""

import argparse
import re

MOST = 10_000


def parse_range(text: str) -> list[int]:
    """``'2'`` is ``[2]``, ``'0-2'`` is ``[0, 1, 2]``, ``'0,3-4'`` is ``[0, 3, 4]``.

    Raises:
        ValueError: If the text is anything else, or names a number twice or more than 10,000 of
            them.
    """
    numbers: list[int] = []
    for part in text.split(','):
        match = re.fullmatch(r'([0-9]{1,18})(?:-([0-9]{1,18}))?', part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            raise ValueError(f'{text!r} is neither a number nor a range such as 0-2 or 0,3')
        if last - first >= MOST:
            raise ValueError(f'{text!r} has more than {MOST:,} numbers')
        numbers += range(first, last + 1)
    if len(set(numbers)) < len(numbers):
        raise ValueError(f'{text!r} names a number twice')
    return numbers


def range_argument(text: str) -> list[int]:
    """:func:`parse_range` for argparse, which shows no text of a ValueError."""
    try:
        return parse_range(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
