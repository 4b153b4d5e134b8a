"""What a hand-written config gets wrong is refused before anything is trained."""

import pytest

from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.preflight import problems_of
from tests.configs.names import ALL, load

EPOCHS = {
    'train_cfg': dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=1),
    'param_scheduler': [],
    'default_hooks.checkpoint.by_epoch': True,
    'train_dataloader.sampler': dict(type='DefaultSampler', shuffle=True),
}
# What is changed in a config that runs, and words of the message.
FAULTS = {
    'another metric': ({'test_evaluator.type': 'IoUMetric'}, 'IncrementalIoUMetric'),
    'two metrics': (
        {'test_evaluator': [dict(type='IoUMetric'), dict(type='IoUMetric')]},
        'IoUMetric, IoUMetric',
    ),
    'no evaluator': ({'test_evaluator': None}, 'no test_evaluator'),
    'no test loop': ({'test_cfg': None}, "test_cfg=dict(type='TestLoop')"),
    'no mode of testing': ({'model.test_cfg': None}, "dict(mode='whole')"),
    'half a validation': ({'val_cfg': dict(type='ValLoop')}, 'val_cfg without val_dataloader'),
    'endless epochs': (
        EPOCHS | {'train_dataloader.sampler': dict(type='InfiniteSampler')},
        'would never end',
    ),
    'no length': ({'train_cfg.max_iters': None, 'train_cfg.max_epochs': 3}, 'without max_iters'),
    'unknown loop': ({'train_cfg.type': 'Loop'}, "'Loop'"),
    'no sampler': ({'test_dataloader.sampler': None}, 'test_dataloader has no sampler'),
    'no workers to keep': (
        {'train_dataloader.num_workers': 0, 'train_dataloader.persistent_workers': True},
        'persistent_workers',
    ),
    'no checkpoint': ({'default_hooks.checkpoint': None}, 'checkpoint is None'),
    'checkpoints of epochs': ({'default_hooks.checkpoint.by_epoch': True}, 'set it to False'),
    'checkpoints elsewhere': ({'default_hooks.checkpoint.out_dir': 'there'}, "'there'"),
    'checkpoints of other names': ({'default_hooks.checkpoint.filename_tmpl': '{}'}, "'{}'"),
    'no last checkpoint': ({'default_hooks.checkpoint.save_last': False}, 'save_last'),
    'all classes at once': (
        {'train_dataloader.dataset': dict(_delete_=True, type='FashionDataset')},
        'StepDataset',
    ),
    'trained as tested': ({'train_dataloader.dataset.test_mode': True}, 'set it to False'),
    'tested as trained': ({'test_dataloader.dataset.test_mode': False}, 'set it to True'),
    'weights of another model': ({'load_from': 'model.pth'}, 'start_from=CHECKPOINT'),
    'resume in the config': ({'resume': True}, 'give --resume'),
    'nothing imported': ({'custom_imports': None}, 'custom_imports=dict'),
    'an unknown hook': (
        {'custom_hooks': [dict(type='IncrementalStepHook'), dict(type='NoHook')]},
        "'NoHook'",
    ),
    'a stock segmentor': (
        {'model.type': 'EncoderDecoder'},
        "type='IncrementalSegmentor'",
    ),
    'an unknown optimizer': (
        {'later_steps.optim_wrapper.optimizer.type': 'SDG'},
        'SDG',
    ),
    'an unknown transform': (
        {'train_dataloader.dataset.dataset.pipeline': [dict(type='LoadAnnotatoins')]},
        'LoadAnnotations',
    ),
    'an unknown data set': (
        {'test_dataloader.dataset.dataset.type': 'FashoinDataset'},
        'FashoinDataset is not in the',
    ),
    'a rate that never changes': (
        {'param_scheduler': [dict(type='PolyLR', end=10)]},
        'by_epoch=False',
    ),
}


@pytest.mark.parametrize('fault', FAULTS)
def test_fault_is_named_before_training(fault, tiny, tmp_path):
    changes, words = FAULTS[fault]
    cfg = tiny()
    cfg.merge_from_dict(changes)
    with pytest.raises((RuntimeError, ValueError)) as caught:
        Run(cfg, tmp_path / 'run').run([0, 1])
    assert words in str(caught.value), str(caught.value)
    assert not (tmp_path / 'run').exists()


def test_epochs_are_as_good_as_iterations(tiny):
    cfg = tiny()
    cfg.merge_from_dict(EPOCHS | {'later_steps.train_cfg': dict(_delete_=True, max_epochs=1)})
    assert [problems_of(step_config(cfg, step)) for step in (0, 1)] == [[], []]


@pytest.mark.parametrize('name', ALL)
def test_configs_have_no_fault(name):
    cfg = load(name)
    assert problems_of(step_config(cfg, 0)) == []


def test_a_fault_of_all_steps_is_told_once(tiny, tmp_path):
    cfg = tiny()
    cfg.test_cfg = None
    with pytest.raises(RuntimeError, match=r'step 0, 1, 2: the config has no test_cfg') as caught:
        Run(cfg, tmp_path).check([0, 1, 2])
    assert str(caught.value).count('test_cfg=dict') == 1
