"""The example of docs/methods.md, as a reader would try it."""

import re
import shutil
import sys
from importlib import import_module

import pytest
import torch
from mmengine.config import Config

from mmseg_dkd.models.method_registry import METHODS
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.recipe import first_step_of
from tests.tiny import REPOSITORY, shrink


@pytest.fixture(scope='module')
def blocks() -> list[str]:
    """The module and the two configs."""
    text = (REPOSITORY / 'docs/methods.md').read_text()
    return re.findall(r'```python\n(.*?)```', text, re.S)[1:4]


@pytest.fixture(scope='module')
def lwf(blocks, tmp_path_factory):
    """The module, imported."""
    folder = tmp_path_factory.mktemp('lwf')
    (folder / 'lwf.py').write_text(blocks[0])
    sys.path.insert(0, str(folder))
    yield import_module('lwf')
    sys.path.remove(str(folder))
    METHODS.module_dict.pop('LwFHead')


def test_distillation_is_that_of_the_paper(lwf):
    logits = torch.randn(2, 4, 3, 2, dtype=torch.float64)
    teacher = torch.randn(2, 3, 3, 2, dtype=torch.float64)
    total = 0.0
    for n, y, x in torch.cartesian_prod(*map(torch.arange, (2, 3, 2))):
        p, q = (torch.exp(m[n, :3, y, x] / 2) for m in (teacher, logits))
        total -= (p / p.sum() * torch.log(q / q.sum())).sum()
    torch.testing.assert_close(lwf.softened_distillation(logits, teacher, 2.0), total / 12)


@pytest.mark.usefixtures('undrawn')
def test_example_runs_and_shares_step_0_with_fine_tuning(lwf, blocks, scenes, tmp_path):
    configs = tmp_path / 'configs'
    shutil.copytree(REPOSITORY / 'configs/_base_', configs / '_base_')
    for block in blocks[1:]:
        name = re.match(r'# configs/(\S+)\n', block)[1]
        (configs / name).parent.mkdir(exist_ok=True)
        (configs / name).write_text(block)
    cfg = Config.fromfile(configs / 'lwf/fashion_4-2.py')
    plain = Config.fromfile(REPOSITORY / 'configs/finetune/fashion_4-2.py')
    assert first_step_of(cfg) == first_step_of(plain)
    cfg = shrink(cfg, scenes)
    results = Run(cfg, tmp_path / 'run').run([0, 1])
    assert [entry['choices']['method'] for entry in results] == ['LwF', 'LwF']
    logs = [next((tmp_path / f'run/step_{t}').rglob('*.log')).read_text() for t in (0, 1)]
    assert ['decode.loss_kd: ' in log for log in logs] == [False, True]


def test_example_is_short(blocks):
    assert 40 < len(blocks[0].splitlines()) <= 62
