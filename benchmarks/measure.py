"""Time and peak memory of our formulation against the plain one, side by side."""

import multiprocessing
import re
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import torch

# Makes one side of a comparison: the work to be measured.
Maker = Callable[[], Callable[[], object]]


class Part(NamedTuple):
    """A comparison. ``ours`` and ``plain`` each prepare a run and return it; they must be functions
    of a module, since memory is measured in processes of their own."""

    what: str
    ours: Maker
    plain: Maker
    repeats: int


def compare(part: Part) -> dict:
    """Ratios ours / plain.

    The two are run in turn, so that whatever else the machine does meets both. Peak memory is what
    a run takes beyond what it starts with: of the GPU if there is one, else of the process, as the
    kernel counts it.

    Returns:
        ``time`` and ``memory``: ratios of the medians; ``time_range``: least and largest ratio of
        the pairs; ``ours`` and ``plain``: ``seconds`` (median) and ``mib``.
    """
    ours, plain = part.ours(), part.plain()
    ours(), plain()
    seconds = [(timed(ours), timed(plain)) for _ in range(part.repeats)]
    del ours, plain
    median = [statistics.median(side) for side in zip(*seconds, strict=True)]
    mib = [peak_mib(part.ours), peak_mib(part.plain)]
    pairs = [a / b for a, b in seconds]
    return dict(
        what=part.what,
        time=median[0] / median[1],
        time_range=[min(pairs), max(pairs)],
        memory=mib[0] / mib[1],
        repeats=part.repeats,
        ours=dict(seconds=median[0], mib=mib[0]),
        plain=dict(seconds=median[1], mib=mib[1]),
    )


def timed(run: Callable[[], object]) -> float:
    """Seconds of one run, the GPU's work included."""
    _synchronise()
    start = time.perf_counter()
    run()
    _synchronise()
    return time.perf_counter() - start


def peak_mib(make: Maker) -> float:
    """Peak memory of one run in a fresh process, in MiB; at least one page."""
    fresh = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(_peak_mib, make, torch.get_num_threads()).result()


def _peak_mib(make: Maker, threads: int) -> float:
    torch.set_num_threads(threads)
    run = make()
    # Libraries load and thread pools start at the first run.
    run()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        _synchronise()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    # Linux: sets the high-water mark back to what is in use.
    Path('/proc/self/clear_refs').write_text('5')
    before = _status('VmRSS')
    run()
    return max(_status('VmHWM') - before, 4) / 2**10


def _status(field: str) -> int:
    """KiB of a line of Linux's account of this process."""
    return int(re.search(rf'{field}:\s+(\d+) kB', Path('/proc/self/status').read_text())[1])


def _synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
