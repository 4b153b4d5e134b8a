"""What the tests share."""

import os
from pathlib import Path

import pytest
import torch

pytest_plugins = ['tests.tiny', 'tests.softmax']

ORACLE = Path(
    os.environ.get('MMSEG_DKD_SHARED', Path(__file__).resolve().parents[2] / 'shared'), 'oracle'
)


@pytest.fixture(scope='session')
def oracle() -> Path:
    """Folder with float64 results of the authors' program, where there is one."""
    if not ORACLE.is_dir():
        pytest.skip(f'{ORACLE} is not there')
    return ORACLE


@pytest.fixture(scope='session', autouse=True)
def one_thread():
    """Networks this small lose more by waiting for threads than they gain."""
    torch.set_num_threads(1)
