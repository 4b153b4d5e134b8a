"""Time and peak memory of our formulation against the plain one, side by side."""

import ctypes
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
# Bytes from which a block of memory comes from the kernel and goes back to it; mallopt's name.
MMAP_THRESHOLD, M_MMAP_THRESHOLD = 2**16, -3


class Part(NamedTuple):
    """A comparison. ``ours`` and ``plain`` each prepare a run and return it; they must be functions
    of a module, since memory is measured in processes of their own.

    ``further`` is called with what :func:`compare` found and gives more figures by name: numbers,
    or dicts of numbers. A part with ``gpu`` is not run without one.
    """

    what: str
    ours: Maker
    plain: Maker
    repeats: int
    further: Callable[[dict], dict] | None = None
    gpu: bool = False


def compare(part: Part) -> dict:
    """Ratios ours / plain.

    The two are run in turn, so that whatever else the machine does meets both. Peak memory is what
    a run takes beyond what it starts with: of the GPU if there is one, else of the process, as the
    kernel counts it.

    Returns:
        ``time``, ``cpu_time`` and ``memory``: ratios of the medians; ``time_range`` and
        ``cpu_time_range``: least and largest ratio of the pairs; ``ours`` and ``plain``:
        ``seconds`` and ``cpu_seconds`` (medians), and ``mib``. The time that the processors spent
        on this process says more where others want them too. Of a part that needs a GPU, without
        one, only ``what``.
    """
    if part.gpu and not torch.cuda.is_available():
        return dict(what=part.what)
    ours, plain = part.ours(), part.plain()
    ours(), plain()
    pairs = [(timed(ours), timed(plain)) for _ in range(part.repeats)]
    del ours, plain
    mib = [peak_mib(part.ours), peak_mib(part.plain)]
    found = dict(what=part.what, repeats=part.repeats, memory=mib[0] / mib[1])
    sides = dict(ours=dict(mib=mib[0]), plain=dict(mib=mib[1]))
    for clock, name in enumerate(('time', 'cpu_time')):
        seconds = [(a[clock], b[clock]) for a, b in pairs]
        median = [statistics.median(side) for side in zip(*seconds, strict=True)]
        found[name] = _ratio(*median)
        ratios = [_ratio(a, b) for a, b in seconds]
        found[f'{name}_range'] = [min(ratios), max(ratios)]
        for side, value in zip(sides.values(), median, strict=True):
            side[name.replace('time', 'seconds')] = value
    found |= sides
    return found if part.further is None else found | dict(further=part.further(found))


def _ratio(ours: float, plain: float) -> float:
    # What only waits takes no time of a processor.
    return ours / max(plain, 1e-9)


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds of one run, the GPU's work included, and seconds of processors."""
    _synchronise()
    start, cpu = time.perf_counter(), time.process_time()
    run()
    _synchronise()
    return time.perf_counter() - start, time.process_time() - cpu


def peak_mib(make: Maker) -> float:
    """Peak memory of one run in a fresh process, in MiB; at least one page."""
    fresh = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(_peak_mib, make, torch.get_num_threads()).result()


def _peak_mib(make: Maker, threads: int) -> float:
    torch.set_num_threads(threads)
    # Else blocks lie in holes of the heap that is left from the preparation, each in another one,
    # and all that were ever touched count, freed or not: more, the more the preparation freed.
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD)
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
    # Freed memory that the allocator keeps would hide what the run takes.
    ctypes.CDLL(None).malloc_trim(0)
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


class Stopwatch:
    """Seconds spent in methods: by events of the GPU if there is one, else those of processors."""

    def __init__(self) -> None:
        self.laps = []

    def charge(self, owner: object, method: str, to: str) -> None:
        """Count every call of a method from now on, under the name ``to``."""
        inner = getattr(owner, method)

        def charged(*args, **kwargs):
            start = _mark()
            result = inner(*args, **kwargs)
            self.laps.append((to, start, _mark()))
            return result

        setattr(owner, method, charged)

    def seconds(self) -> dict[str, float]:
        """Total by name of what was counted so far."""
        _synchronise()
        total = {}
        for name, start, end in self.laps:
            lap = end - start if isinstance(start, float) else start.elapsed_time(end) / 1e3
            total[name] = total.get(name, 0.0) + lap
        return total


def _mark() -> 'float | torch.cuda.Event':
    if not torch.cuda.is_available():
        return time.process_time()
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def matrix_rate(quick: bool) -> float:
    """Floating point operations a second of a large float32 product of matrices.

    On a GPU in TF32 where convolutions are; on the CPU a second of a processor, times the threads.
    """
    on_gpu = torch.cuda.is_available()
    size = 8192 if on_gpu else 1024 if quick else 2048
    matrix = torch.randn(size, size, device='cuda' if on_gpu else 'cpu')
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    try:
        laps = [timed(lambda: matrix @ matrix) for _ in range(6)]
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
    seconds = min(lap[0] if on_gpu else lap[1] / torch.get_num_threads() for lap in laps)
    return 2 * size**3 / seconds
