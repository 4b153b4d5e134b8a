"""What benchmarks/ measures is what was spent."""

import time
from functools import partial

import numpy as np
import pytest

from benchmarks.measure import Part, compare
from benchmarks.relabel import part as relabel_part


def spend(mib: int, seconds: float):
    def run() -> None:
        np.ones(mib * 2**17)
        time.sleep(seconds)

    return run


@pytest.mark.slow
def test_ratios_of_a_known_expense():
    part = Part('known', partial(spend, 64, 0.05), partial(spend, 256, 0.2), repeats=3)
    found = compare(part)
    assert found['memory'] == pytest.approx(0.25, rel=0.1)
    assert found['ours']['mib'] == pytest.approx(64, rel=0.1)
    # A busy machine makes both sleep longer.
    assert 0.1 < found['time'] < 0.6
    assert found['time_range'][0] <= found['time'] <= found['time_range'][1]


def test_both_sides_of_relabelling_agree():
    part = relabel_part(quick=True)
    np.testing.assert_array_equal(part.ours()()['gt_seg_map'], part.plain()())
