"""What fails only at the end of a step is found before any is trained."""

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmseg.registry import HOOKS

from mmseg_dkd.runs import Run
from mmseg_dkd.runs import run as runs
from mmseg_dkd.runs.rehearsal import FOLDER, REPORT, rehearse
from mmseg_dkd.utils import checkpoint_types


@pytest.fixture(autouse=True)
def rehearsed(monkeypatch):
    monkeypatch.setattr(runs, 'rehearse', rehearse)


def weights(path):
    return checkpoint_types.load(path)['state_dict']


@HOOKS.register_module()
class FailsAfterTest(Hook):
    """As a hook that sends the scores somewhere, and cannot."""

    def after_test_epoch(self, runner, metrics=None):
        raise KeyError('no such score')


LATE = {
    'a test in slices without their stride': ({'model.test_cfg': dict(mode='slide')}, 'stride'),
    'a batch too small for BatchNorm': ({'train_dataloader.batch_size': 1}, 'more than 1 value'),
    'a hook that fails at the end': (
        {'custom_hooks': [dict(type='IncrementalStepHook'), dict(type='FailsAfterTest')]},
        "KeyError: 'no such score'",
    ),
    'a loss without its argument': (
        {'later_steps.model.decode_head.loss_kd': dict(loss_weight='heavy')},
        'step 1 failed in a rehearsal',
    ),
}


@pytest.mark.parametrize('fault', LATE)
@pytest.mark.usefixtures('undrawn')
def test_a_late_fault_is_told_before_training(fault, tiny, tmp_path):
    changes, words = LATE[fault]
    cfg = tiny()
    cfg.merge_from_dict(changes)
    with pytest.raises(RuntimeError) as caught:
        Run(cfg, tmp_path).run([0, 1])
    assert words in str(caught.value), str(caught.value)
    assert not list(tmp_path.rglob('*.pth'))
    assert 'Traceback' in (tmp_path / REPORT).read_text()


def test_a_process_that_fails_waits_for_no_other(tiny, tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr('mmseg_dkd.runs.rehearsal.barrier', lambda: waited.append(True))
    cfg = tiny()
    cfg.model.test_cfg = dict(mode='slide')
    with pytest.raises(RuntimeError, match='rehearsal'):
        Run(cfg, tmp_path).run([0])
    assert len(waited) == 1, 'before it began'
    assert not (tmp_path / FOLDER).exists()


@pytest.mark.usefixtures('undrawn')
def test_images_of_several_sizes_in_a_batch_are_told_before_training(tiny, tmp_path):
    cfg = tiny()
    cfg.test_dataloader.batch_size = 2
    pipeline = cfg.test_dataloader.dataset.pipeline
    pipeline.insert(1, dict(type='RandomChoiceResize', scales=[(64, 64), (96, 96), (128, 128)]))
    with pytest.raises(RuntimeError, match='image size in a batch should be the same'):
        Run(cfg, tmp_path).run([0])


@pytest.mark.usefixtures('undrawn')
def test_a_rehearsal_leaves_no_trace(tiny, tmp_path, monkeypatch, capsys):
    cfg = tiny('dkd_m/fashion_4-2.py')
    cfg.memory.size = 8
    logger = MMLogger.get_instance('of_the_caller')
    rehearse(Run(cfg, tmp_path / 'one'), [0, 1])
    assert MMLogger.get_current_instance() is logger
    assert not (tmp_path / 'one').exists() or not list((tmp_path / 'one').iterdir())
    assert 'Iter(train)' not in capsys.readouterr().out
    Run(cfg, tmp_path / 'one').run([0])
    # Step 1 is rehearsed from the real step 0.
    Run(cfg, tmp_path / 'one').run([0, 1, 2], resume=True)
    monkeypatch.setattr(runs, 'rehearse', lambda *args: None)
    Run(cfg, tmp_path / 'other').run([0, 1, 2])
    for step in range(3):
        one, other = (
            weights(tmp_path / f'{run}/step_{step}/iter_2.pth') for run in ('one', 'other')
        )
        assert all(torch.equal(one[key], other[key]) for key in other)


@pytest.mark.usefixtures('undrawn')
def test_a_network_of_grey_images_learns_all_steps(tiny, tmp_path):
    cfg = tiny('dkd/fashion_4-2.py')
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.pipeline = [
            dict(type='LoadImageFromFile', color_type='grayscale'),
            dict(type='LoadAnnotations'),
            dict(type='PackSegInputs'),
        ]
    cfg.model.data_preprocessor.update(mean=[120.0], std=[60.0], bgr_to_rgb=False)
    cfg.model.backbone = dict(
        type='ResNet',
        depth=18,
        in_channels=1,
        base_channels=4,
        stem_channels=4,
        norm_cfg=dict(type='BN'),
    )
    cfg.model.decode_head.in_channels = 32
    assert len(Run(cfg, tmp_path).run([0, 1])) == 2
