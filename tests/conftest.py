"""What the tests share."""

import pytest
import torch

pytest_plugins = ['tests.tiny', 'tests.softmax']


@pytest.fixture(scope='session', autouse=True)
def one_thread():
    """Networks this small lose more by waiting for threads than they gain."""
    torch.set_num_threads(1)
