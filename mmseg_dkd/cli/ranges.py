"""Numbers as people write them on a command line."""

import re


def parse_range(text: str) -> list[int]:
    """``'2'`` is ``[2]``, ``'0-2'`` is ``[0, 1, 2]``, ``'0,3-4'`` is ``[0, 3, 4]``.

    Raises:
        ValueError: If the text is anything else, or names a number twice.
    """
    numbers: list[int] = []
    for part in text.split(','):
        match = re.fullmatch(r'(\d+)(?:-(\d+))?', part.strip())
        found = range(int(match[1]), int(match[2] or match[1]) + 1) if match else ()
        if not found:
            raise ValueError(f'{text!r} is neither a number nor a range such as 0-2 or 0,3')
        numbers += found
    if len(set(numbers)) < len(numbers):
        raise ValueError(f'{text!r} names a number twice')
    return numbers
