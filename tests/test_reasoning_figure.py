"""dev/draw_reasoning.py: its example is what the page says."""

import runpy

import pytest

from tests.tiny import REPOSITORY

example = runpy.run_path(str(REPOSITORY / 'dev/draw_reasoning.py'))


def test_kd_sees_no_change_and_dkd_does():
    old = example['FEATURE']
    new = example['changed'](old)
    (pos, neg), (new_pos, new_neg) = example['scores'](old), example['scores'](new)
    assert (new_pos - pos).item() == pytest.approx(1.5, abs=1e-5)
    assert (neg - new_neg).item() == pytest.approx(1.5, abs=1e-5)
    kd, dkd = example['excess'](old, new)
    assert kd == pytest.approx(0, abs=1e-5)
    assert dkd == pytest.approx(0.21, abs=0.01)
