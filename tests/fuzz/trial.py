"""How the fuzz tests try many inputs and count what they gave."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Kind of input and outcome to a number.
TALLY = Counter()
EFFORT = pytest.mark.parametrize(
    'examples', [100, pytest.param(1000, marks=pytest.mark.slow)], ids=['some', 'many']
)
numbers = st.integers() | st.floats() | st.sampled_from([10**9, 2**63, 10**300, -1])
junk = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def fuzz(examples: int, strategy: st.SearchStrategy, check: Callable) -> None:
    """Check the same examples on every run."""
    profile = settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    profile(given(strategy)(check))()


def outcome(kind: str, action: Callable, *words: str) -> object:
    """What it returns; None if it refuses, in the way it shall, and says all the words."""
    try:
        result = action()
    except (ValueError, FileNotFoundError) as error:
        told = str(error)
        assert len(told) < 3000 and all(word in told for word in words), told
        TALLY[kind, 'refused'] += 1
        return None
    TALLY[kind, 'taken'] += 1
    return result


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """What is left of a file: cut off, changed in some places, something else, or nothing."""
    kind = draw(st.sampled_from(['cut', 'changed', 'other', 'empty']))
    if kind == 'cut':
        return whole[: draw(st.integers(0, len(whole) - 1))]
    if kind == 'changed':
        content = bytearray(whole)
        places = st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=5)
        for place in draw(places):
            content[place] = draw(st.integers(0, 255))
        return bytes(content)
    return draw(st.binary(max_size=200)) if kind == 'other' else b''


def put(path: Path, content: bytes | None) -> Path:
    """A file with this content; None: a folder of its name."""
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    path.mkdir() if content is None else path.write_bytes(content)
    return path
