"""VOC layout, real sizes, 20 classes: 15-1, six steps, two processes, with a memory."""

import json

import pytest
from mmengine.config import Config
from torch.distributed.elastic.utils.distributed import get_free_port

from mmseg_dkd import Scenario
from mmseg_dkd.datasets.demo.scenes import write_voc_like
from mmseg_dkd.datasets.memory import read_memory
from mmseg_dkd.utils import checkpoint_types
from tests.tiny import REPOSITORY
from tests.tools.test_tools import run


@pytest.mark.slow
def test_voc_15_1_runs_all_six_steps_in_two_processes(tmp_path):
    root = tmp_path / 'VOC2012'
    write_voc_like(root, train=60, val=20)
    cfg = Config.fromfile(REPOSITORY / 'tests/data/voc_15-1_tiny.py')
    for part in cfg.train_dataloader.dataset.dataset.datasets:
        part.data_root = str(root)
    cfg.test_dataloader.dataset.dataset.data_root = str(root)
    cfg.dump(tmp_path / 'voc_15-1_tiny.py')
    done = run(
        'tools/dist_train.sh', tmp_path / 'voc_15-1_tiny.py', 2, '--work-dir', tmp_path / 'run',
        PORT=str(get_free_port()),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads((tmp_path / 'run/results.json').read_text())
    assert [entry['step'] for entry in results] == [0, 1, 2, 3, 4, 5]
    assert [len(entry['per_class_iou']) for entry in results] == [16, 17, 18, 19, 20, 21]
    assert list(results[-1]['per_class_iou'])[-1] == 'tvmonitor'
    for step in range(1, 6):
        drawn = read_memory(tmp_path / f'run/step_{step}/memory.json', Scenario('15-1', 20), step)[
            0
        ]
        assert len(drawn) == 10
    last = checkpoint_types.load(tmp_path / 'run/step_5/epoch_1.pth')
    assert last['meta']['incremental']['seen'] == list(range(1, 21))
    state = last['state_dict']
    assert state['decode_head.conv_seg.steps.0.weight'].shape[0] == 15
    assert state['decode_head.conv_seg.steps.5.weight'].shape[0] == 1
