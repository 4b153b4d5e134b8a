"""Mistakes of users: a clear message, and nothing trained."""

import shutil

import pytest
import torch

from mmseg_dkd.runs import Run
from mmseg_dkd.utils import checkpoint_types


def refused(cfg, folder, steps, *words):
    with pytest.raises((RuntimeError, ValueError)) as caught:
        Run(cfg, folder).run(steps)
    for word in words:
        assert word in str(caught.value), str(caught.value)
    assert not list(folder.glob('**/*.log')), 'training was started'


def test_wrong_data_path(tiny, tmp_path):
    cfg = tiny()
    cfg.train_dataloader.dataset.dataset.data_root = '/nowhere'
    refused(cfg, tmp_path, [0], '/nowhere', 'data_root')


@pytest.fixture
def copied(scenes, tiny, tmp_path):
    """A config on its own copy of the scenes, to be damaged."""
    root = tmp_path / 'data'
    shutil.copytree(scenes, root)
    cfg = tiny()
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.dataset.data_root = str(root)
    return cfg, root, sorted((root / 'SegmentationClass').glob('*.png'))[0]


def test_mask_with_an_unknown_id(copied, tmp_path):
    from PIL import Image

    cfg, _, mask = copied
    with Image.open(mask) as picture:
        size = picture.size
    Image.new('L', size, 77).save(mask)
    refused(cfg, tmp_path / 'run', [0], mask.name, '77')


def test_missing_mask(copied, tmp_path):
    cfg, _, mask = copied
    mask.unlink()
    refused(cfg, tmp_path / 'run', [0], mask.name, 'no such file')


def test_image_and_mask_of_different_sizes(copied, tmp_path):
    from PIL import Image

    cfg, _, mask = copied
    Image.new('L', (10, 12)).save(mask)
    refused(cfg, tmp_path / 'run', [0], mask.name, '(12, 10)', '(64, 64)')


def test_scenario_that_does_not_add_up(tiny, tmp_path):
    cfg = tiny()
    cfg.scenario.name = '5-2'
    refused(cfg, tmp_path, [0], "'5-2'", 'does not add up')


def test_step_that_selects_no_image(copied, tmp_path):
    from PIL import Image

    cfg, root, _ = copied
    for mask in (root / 'SegmentationClass').glob('*.png'):
        with Image.open(mask) as picture:
            without = picture.point(lambda value: 0 if value in (7, 8) else value)
        without.save(mask)
    refused(cfg, tmp_path / 'run', [2], 'selects none', 'bag', 'ankle boot')


@pytest.fixture
def after_step_0(finished, tmp_path):
    """A folder in which only step 0 has been trained."""
    folder = tmp_path / 'run'
    (folder / 'step_0').mkdir(parents=True)
    shutil.copy(finished / 'step_0/iter_2.pth', folder / 'step_0')
    return folder


def test_previous_checkpoint_missing(tiny, tmp_path):
    refused(tiny(), tmp_path, [1], 'step_0/iter_2.pth', 'Train that step first')


def test_previous_checkpoint_of_another_scenario(after_step_0, tiny):
    refused(tiny('dkd/fashion_4-1.py'), after_step_0, [1], '4-2', 'fingerprint differs')


def test_previous_checkpoint_of_another_class_order(after_step_0, tiny):
    cfg = tiny()
    cfg.scenario = dict(name='4-2', num_classes=8, order=[2, 1, 3, 4, 5, 6, 7, 8])
    refused(cfg, after_step_0, [1], '[2, 1, 3, 4]', 'seen differs')


def test_previous_checkpoint_of_another_network(after_step_0, tiny):
    cfg = tiny()
    cfg.model.decode_head.channels = 12
    with pytest.raises(ValueError, match=r'(?s)does not fit.*\(8,.*instead of \(12,'):
        Run(cfg, after_step_0).run([1])


def test_plain_checkpoint_in_place_of_the_previous_one(after_step_0, tiny):
    path = after_step_0 / 'step_0/iter_2.pth'
    torch.save(dict(meta={}, state_dict=checkpoint_types.load(path)['state_dict']), path)
    refused(tiny(), after_step_0, [1], 'not written by an incremental run')


def test_truncated_checkpoint(after_step_0, tiny):
    path = after_step_0 / 'step_0/iter_2.pth'
    path.write_bytes(path.read_bytes()[:5000])
    refused(tiny(), after_step_0, [1], 'iter_2.pth', 'can be trusted')


def test_checkpoint_that_runs_code_is_not_executed(after_step_0, tiny, tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / 'executed'), 'w'))

    torch.save(dict(meta=Evil()), after_step_0 / 'step_0/iter_2.pth')
    refused(tiny(), after_step_0, [1], 'iter_2.pth', 'can be trusted')
    assert not (tmp_path / 'executed').exists()


def test_fewer_classes_in_the_head_than_in_the_scenario(tiny, tmp_path):
    cfg = tiny()
    cfg.model.decode_head.num_classes = 8
    refused(cfg, tmp_path, [0], 'num_classes=8', 'set it to 9')


def test_missing_pretrained_weights(tiny, tmp_path):
    cfg = tiny()
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint='nowhere/weights.pth')
    refused(cfg, tmp_path, [0], 'nowhere/weights.pth', 'pretrained')


def test_config_without_a_scenario(tiny, tmp_path):
    cfg = tiny()
    cfg.pop('scenario')
    with pytest.raises(ValueError, match='add scenario=dict'):
        Run(cfg, tmp_path)


def test_config_without_the_hook(tiny, tmp_path):
    cfg = tiny()
    cfg.custom_hooks = []
    refused(cfg, tmp_path, [0], 'IncrementalStepHook')


def test_a_model_that_would_be_sharded(tiny, tmp_path):
    cfg = tiny()
    cfg.model_wrapper_cfg = dict(type='MMFullyShardedDataParallel')
    with pytest.raises(ValueError, match='MMFullySharded.* leave it out'):
        Run(cfg, tmp_path)
