"""What the tests share."""

import gc

import pytest
import torch

pytest_plugins = ['tests.tiny', 'tests.softmax']


@pytest.fixture(scope='session', autouse=True)
def one_thread():
    """Networks this small lose more by waiting for threads than they gain."""
    torch.set_num_threads(1)


@pytest.fixture(scope='session', autouse=True)
def cheap_collections():
    """mmengine collects garbage for every data set: what was imported is not searched for it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope='session', autouse=True)
def plain_texts():
    """mmengine lays out the text of a config seven times a step, half of the time of a tiny run.

    Processes of their own, which the launchers start, lay it out.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('yapf.yapflib.yapf_api.FormatCode', lambda text, **_: (text, True))
        yield


@pytest.fixture(scope='session', autouse=True)
def unrehearsed():
    """Runs of the tests are as short as a rehearsal; tests/runs/test_rehearsal.py has its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('mmseg_dkd.runs.run.rehearse', lambda *args: None)
        yield
