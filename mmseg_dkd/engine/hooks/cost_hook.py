"""What the training of a step costs: seconds and peak memory."""

import re
import time
from pathlib import Path

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

META = 'cost'
CLEAR, STATUS = Path('/proc/self/clear_refs'), Path('/proc/self/status')


class CostHook(Hook):
    """Counts the seconds and the peak memory of a step's training, from when it is made.

    On CUDA, peak memory is what tensors took at most. On the CPU it is the peak resident set of the
    process: with all its libraries and with what earlier steps in it left, without the workers that
    load data. It is that of this process, in distributed training of one of several.

    Checkpoints carry what was spent until then, so that training that resumes goes on counting.
    What came after the last checkpoint before an interruption is done again, and counts once.
    """

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._before: dict[str, float | None] = dict(seconds=0.0, memory_mib=0.0)
        self._cuda = torch.cuda.is_available()
        self._peak: float | None = 0.0
        if self._cuda:
            torch.cuda.reset_peak_memory_stats()
        else:
            self._peak = _reset_resident_peak()

    def spent(self) -> dict[str, float | None]:
        """``seconds`` and ``memory_mib`` of the step so far; None for what was not measured: the
        peak memory where the system does not tell, both after a checkpoint that does not say."""
        if not self._cuda and self._peak is not None:
            self._peak = max(self._peak, _resident_peak())
        before, seconds = self._before, time.perf_counter() - self._start
        earlier, peak = before['memory_mib'], self._peak
        return dict(
            seconds=None if before['seconds'] is None else before['seconds'] + seconds,
            memory_mib=None if earlier is None or peak is None else max(earlier, peak),
        )

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict | None = None
    ) -> None:
        """Look before mmengine's logger does, which sets CUDA's peak back each time."""
        if self._cuda:
            self._peak = max(self._peak, torch.cuda.max_memory_allocated() / 2**20)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write down what was spent."""
        checkpoint['meta'][META] = self.spent()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Go on from what was spent, if this is the same step."""
        if runner.cfg.get('resume'):
            unknown = dict(seconds=None, memory_mib=None)
            self._before = checkpoint['meta'].get(META, unknown)


def _reset_resident_peak() -> float | None:
    """Set the process's peak back to what it holds now; None where that cannot be done."""
    try:
        # Only Linux has it. Without it the peak would be that of all steps in this process.
        CLEAR.write_text('5')
        return _resident_peak()
    except OSError:
        return None


def _resident_peak() -> float:
    """MiB."""
    (peak,) = re.findall(r'VmHWM:\s+(\d+) kB', STATUS.read_text())
    return int(peak) / 2**10
