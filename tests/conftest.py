"""What the tests share."""

import gc

import pytest
import torch
from yapf.yapflib import yapf_api

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
def texts_formatted_once():
    """mmengine formats the text of a config seven times a step, which is the most of a tiny run."""
    format_code = yapf_api.FormatCode
    formatted = {}

    def once(text, **style):
        if text not in formatted:
            formatted[text] = format_code(text, **style)
        return formatted[text]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yapf_api, 'FormatCode', once)
        yield
