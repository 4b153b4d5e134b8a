"""What a hand-written config gets wrong is refused before anything is trained."""

import pytest

from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.engine.schedule import notes_of_schedule
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
    'no iteration': ({'later_steps.train_cfg.max_iters': 0}, 'train_cfg.max_iters is 0'),
    'no image in a batch': ({'train_dataloader.batch_size': 0}, 'train_dataloader.batch_size is 0'),
    'no batch': ({'test_dataloader.batch_size': None}, 'test_dataloader.batch_size is None'),
    'a rate in words': ({'optim_wrapper.optimizer.lr': '0.1'}, "lr is '0.1'"),
    'a negative seed': ({'randomness.seed': -1}, 'randomness.seed is -1'),
    'a seed in words': ({'randomness.seed': 'one'}, "randomness.seed is 'one'"),
    'no batch gathered': ({'optim_wrapper.accumulative_counts': 0}, 'accumulative_counts is 0'),
    'an early end': (
        {'custom_hooks': [dict(type='IncrementalStepHook'), dict(type='EarlyStoppingHook')]},
        'EarlyStoppingHook ends a step',
    ),
    'weights of classes': (
        {'model.decode_head.loss_decode.pos_weight': [1.0, 2.0]},
        'pos_weight=[1.0, 2.0]',
    ),
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
    'a wrapper around the step': (
        {
            'train_dataloader.dataset': dict(
                _delete_=True,
                type='RepeatDataset',
                times=2,
                dataset=dict(type='StepDataset', scenario=dict(name='4-2', num_classes=8)),
            )
        },
        'train_dataloader.dataset is a RepeatDataset around a StepDataset',
    ),
    'another void of the metric': (
        {'test_evaluator.ignore_index': 0},
        'test_evaluator.ignore_index is 0, but void is 255 alone',
    ),
    'another void of the head': (
        {'model.decode_head.ignore_index': 0},
        'model.decode_head.ignore_index is 0, but void is 255 alone',
    ),
    'trained as tested': ({'train_dataloader.dataset.test_mode': True}, 'set it to False'),
    'tested as trained': ({'test_dataloader.dataset.test_mode': False}, 'set it to True'),
    'weights of another model': ({'load_from': 'model.pth'}, 'start_from=CHECKPOINT'),
    'resume in the config': ({'resume': True}, 'give --resume'),
    'a brace in a path': (
        {'test_dataloader.dataset.dataset.data_root': '/{{ fileDirname }}'},
        'rename it',
    ),
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
    'an unknown wrapper': (
        {'later_steps.optim_wrapper.type': 'AmpOptimWraper'},
        'AmpOptimWraper is not in the',
    ),
    'a loss scale without mixed precision': (
        {'optim_wrapper.loss_scale': 'dynamic'},
        "unexpected keyword argument 'loss_scale'",
    ),
    'an unknown transform': (
        {'train_dataloader.dataset.dataset.pipeline': [dict(type='LoadAnnotatoins')]},
        'LoadAnnotations',
    ),
    'an unknown data set': (
        {'test_dataloader.dataset.dataset.type': 'FashoinDataset'},
        'FashoinDataset is not in the',
    ),
    'an unknown schedule': (
        {'later_steps.param_scheduler': [dict(type='PolyLRR', by_epoch=False)]},
        "'PolyLRR'",
    ),
    'a rate that never changes': (
        {'param_scheduler': [dict(type='PolyLR', end=10)]},
        'by_epoch=False',
    ),
    'a rate behind the end': (
        {'param_scheduler': [dict(type='PolyLR', begin=2, by_epoch=False)]},
        'PolyLR begins at iteration 2 and ends at 2, in a step of 2',
    ),
}
# Schedules of a step of 120 epochs, and words of the notice.
LENGTHS = {
    'too short': ([dict(type='PolyLR', end=60)], 'ends at epoch 60, but the step at 120: from'),
    'too long': ([dict(type='PolyLR', end=150)], 'PolyLR ends at epoch 150, but the step at 120'),
    'too short behind a warm-up': (
        [dict(type='LinearLR', end=3), dict(type='CosineAnnealingLR', begin=3, end=60)],
        'ends at epoch 60, but',
    ),
    'a warm-up too long': (
        [dict(type='LinearLR', end=200), dict(type='PolyLR')],
        'LinearLR ends at epoch 200',
    ),
    'two parts': ([dict(type='PolyLR', end=60), dict(type='PolyLR', begin=60, end=120)], None),
    'no end': (dict(type='PolyLR'), None),
    'a warm-up alone': ([dict(type='LinearLR', end=3)], None),
    'iterations': ([dict(type='PolyLR', end=60, by_epoch=False)], None),
    'none': (None, None),
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


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'default_hooks.checkpoint.interval': 6}, 'every 6 iterations .* multiple of 4'),
        (EPOCHS, 'every 1 epochs of 2 batches .* multiple of 2'),
    ],
)
def test_processes_do_not_write_a_checkpoint_between_updates(changes, words, tiny, monkeypatch):
    cfg = tiny()
    cfg.merge_from_dict(changes | {'optim_wrapper.accumulative_counts': 4})
    run = Run(cfg, 'run')
    run.check([0])
    monkeypatch.setattr('mmseg_dkd.runs.plan.get_world_size', lambda: 2)
    with pytest.raises(RuntimeError, match=words):
        run.check([0])
    cfg.default_hooks.checkpoint.interval = 8
    Run(cfg, 'run').check([0])


@pytest.mark.parametrize('lengths', LENGTHS)
def test_schedule_of_another_length_is_noticed(lengths, tiny):
    schedule, words = LENGTHS[lengths]
    cfg = tiny()
    cfg.merge_from_dict(EPOCHS | {'train_cfg.max_epochs': 120})
    cfg.param_scheduler = schedule
    cfg = step_config(cfg, 0)
    assert problems_of(cfg) == []
    notices = list(notes_of_schedule(cfg))
    assert (len(notices) == 1 and words in notices[0]) if words else notices == []


def test_notices_are_told_before_a_step_and_keep_it_from_nothing(tiny, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr('mmseg_dkd.runs.run.print_log', lambda text, **_: said.append(text))
    cfg = tiny()
    cfg.param_scheduler[0].end = 1
    run = Run(cfg, tmp_path)
    run.check([0, 1])
    assert len(said) == 1 and said[0].startswith('step 0, 1: param_scheduler ends at iteration 1')
    assert 'note: param_scheduler ends at iteration 1' in str(run.plan([0])[0])


@pytest.mark.parametrize('name', ALL)
def test_configs_have_no_fault_and_nothing_to_notice(name):
    cfg = load(name)
    assert problems_of(step_config(cfg, 0)) == []
    # RECALL's schedules for VOC have lengths of their own.
    assert name.startswith('recall/voc_') or not list(notes_of_schedule(step_config(cfg, 0)))


def test_a_fault_of_all_steps_is_told_once(tiny, tmp_path):
    cfg = tiny()
    cfg.test_cfg = None
    with pytest.raises(RuntimeError, match=r'step 0, 1, 2: the config has no test_cfg') as caught:
        Run(cfg, tmp_path).check([0, 1, 2])
    assert str(caught.value).count('test_cfg=dict') == 1
