"""What is wrong with a hand-written config, found before anything is trained.

Here is what mmengine would tell only after a step was trained, in words that name no remedy, or
never.
"""

import inspect
from collections.abc import Iterator

from mmengine.config import Config
from mmengine.hooks import EarlyStoppingHook
from mmseg.registry import HOOKS, MODELS, OPTIMIZERS

from ..engine.schedule import by_epoch_of, problems_of_schedule
from ..labels import VOID
from ..models.segmentor import IncrementalSegmentor
from ..utils.config_parts import as_list, components
from ..utils.config_text import lost_in_text

LOOPS = {'EpochBasedTrainLoop': 'max_epochs', 'IterBasedTrainLoop': 'max_iters'}
TRAINING = ('train_dataloader', 'train_cfg', 'optim_wrapper')
TESTING = ('test_dataloader', 'test_cfg', 'test_evaluator')
VALIDATION = ('val_dataloader', 'val_cfg', 'val_evaluator')
METRIC = 'IncrementalIoUMetric'
# As numpy takes them.
SEEDS = 2**32


def problems_of(cfg: Config) -> list[str]:
    """What is wrong, in words, with the config of one step; each names key, value and remedy.

    Args:
        cfg: As :func:`.step_config` returns it.
    """
    missing = list(_missing(cfg))
    # What is not there cannot be looked at.
    return missing or [problem for check in CHECKS for problem in check(cfg)]


def _missing(cfg: Config) -> Iterator[str]:
    for key in (*TRAINING, *TESTING):
        if not cfg.get(key) and not (key == 'test_cfg' and cfg.get(key) is not None):
            example = ": write test_cfg=dict(type='TestLoop')" if key == 'test_cfg' else ''
            yield f'the config has no {key}, but every step is trained and tested{example}'
    there = [key for key in VALIDATION if cfg.get(key) is not None]
    if there and len(there) < len(VALIDATION):
        lacking = [key for key in VALIDATION if key not in there]
        yield (
            f'{", ".join(there)} without {", ".join(lacking)}: give all three, or none, since '
            'steps are tested at their end in any case'
        )
    mode = (cfg.model.get('test_cfg') or {}).get('mode')
    if mode not in ('whole', 'slide'):
        yield (
            f"model.test_cfg.mode is {mode!r}: write model=dict(test_cfg=dict(mode='whole')), or "
            "'slide' with crop_size and stride"
        )
    if not (cfg.get('custom_imports') or {}).get('imports'):
        yield (
            "the config has no custom_imports, so mmseg's own tools would not know its types: "
            "write custom_imports=dict(imports=['mmseg_dkd'], allow_failed_imports=False)"
        )


def _loop(cfg: Config) -> Iterator[str]:
    kind = cfg.train_cfg.get('type')
    if kind is not None and kind not in LOOPS:
        yield f'train_cfg.type is {kind!r}: steps are trained by one of {", ".join(LOOPS)}'
        return
    by_epoch = by_epoch_of(cfg)
    name, length = list(LOOPS.items())[not by_epoch]
    if cfg.train_cfg.get(length) is None:
        yield f'train_cfg is a {name} without {length}: give the length of the step by it'
    if by_epoch and (cfg.train_dataloader.get('sampler') or {}).get('type') == 'InfiniteSampler':
        yield (
            'train_dataloader.sampler is an InfiniteSampler, so that an epoch would never end: '
            "write sampler=dict(type='DefaultSampler', shuffle=True), or train by iterations"
        )


def _checkpoints(cfg: Config) -> Iterator[str]:
    hook = (cfg.get('default_hooks') or {}).get('checkpoint', {})
    key = 'default_hooks.checkpoint'
    if hook is None:
        yield f'{key} is None, but the next step starts from a checkpoint: leave it out, or set it'
        return
    by_epoch = by_epoch_of(cfg)
    if hook.get('by_epoch', True) != by_epoch:
        yield (
            f'{key}.by_epoch is {not by_epoch}, but train_cfg counts '
            f'{"epochs" if by_epoch else "iterations"}, so that no checkpoint would be written: '
            f'set it to {by_epoch}'
        )
    for name in ('filename_tmpl', 'out_dir'):
        if hook.get(name) is not None:
            yield (
                f'{key}.{name} is {hook[name]!r}, but the next step looks for the checkpoint in '
                'the folder of its step, under the name that mmengine gives it: leave it out'
            )
    if not hook.get('save_last', True):
        yield f'{key}.save_last is False, but the next step starts from the last one: leave it out'


def _loaders(cfg: Config) -> Iterator[str]:
    for kind in ('train', 'test'):
        key = f'{kind}_dataloader'
        loader, tests = cfg[key], kind == 'test'
        if not loader.get('sampler'):
            yield (
                f"{key} has no sampler: write sampler=dict(type='DefaultSampler', "
                f'shuffle={not tests})'
            )
        if loader.get('persistent_workers') and not loader.get('num_workers'):
            yield f'{key}.persistent_workers is True with num_workers=0: set it to False'
        steps = list(components(loader.get('dataset')))
        if not steps:
            yield (
                f'{key}.dataset has no scenario, so that it would show all classes at every step: '
                "wrap it as dict(type='StepDataset', scenario=scenario, dataset=...)"
            )
        elif 'scenario' not in loader.dataset:
            yield (
                f'{key}.dataset is a {loader.dataset.get("type")} around a StepDataset, so that '
                'the step would not know its images: leave it out. How often they are shown is up '
                'to train_cfg'
            )
        for dataset in steps:
            if dataset.get('test_mode', False) != tests:
                yield (
                    f'{key}.dataset.test_mode is {not tests}: set it to {tests}, since labels of '
                    'old classes are unknown in training only'
                )


def _evaluator(cfg: Config) -> Iterator[str]:
    kinds = [part.get('type') for part in as_list(cfg.test_evaluator)]
    if kinds.count(METRIC) != 1:
        yield (
            f'test_evaluator is {", ".join(map(str, kinds))}, but the scores of a step are those '
            f"of one {METRIC}: write test_evaluator=dict(type='{METRIC}')"
        )


def _void(cfg: Config) -> Iterator[str]:
    parts = dict(test_evaluator=as_list(cfg.test_evaluator))
    for name in ('decode_head', 'auxiliary_head'):
        parts[f'model.{name}'] = as_list(cfg.model.get(name))
    for key, listed in parts.items():
        for part in listed:
            if (ignored := part.get('ignore_index', VOID)) != VOID:
                yield f'{key}.ignore_index is {ignored}, but void is 255 alone: leave it out'


def _start(cfg: Config) -> Iterator[str]:
    if cfg.get('load_from'):
        yield (
            f'load_from is {cfg.load_from!r}, but a step starts from the step before it: for step '
            '0 from a trained softmax model write start_from=CHECKPOINT; weights of a backbone go '
            'into its init_cfg'
        )
    if cfg.get('resume'):
        yield 'resume is True in the config: leave it out and give --resume, which goes on'


def _model(cfg: Config) -> Iterator[str]:
    kind = MODELS.get(cfg.model.type) if isinstance(cfg.model.type, str) else cfg.model.type
    if not (inspect.isclass(kind) and issubclass(kind, IncrementalSegmentor)):
        yield (
            f'model is a {cfg.model.type}, which learns no steps: write '
            "model=dict(type='IncrementalSegmentor', ...)"
        )
    optimizer = cfg.optim_wrapper.get('optimizer') or {}
    if isinstance(kind := optimizer.get('type'), str | None) and OPTIMIZERS.get(str(kind)) is None:
        yield f'optim_wrapper.optimizer.type: there is no optimizer {kind!r}'


def _hooks(cfg: Config) -> Iterator[str]:
    for hook in cfg.custom_hooks:
        kind = HOOKS.get(hook['type']) if isinstance(hook['type'], str) else hook['type']
        if kind is None:
            yield f'custom_hooks: there is no hook {hook["type"]!r}; correct its name or import it'
        elif inspect.isclass(kind) and issubclass(kind, EarlyStoppingHook):
            yield (
                f'custom_hooks: {kind.__name__} ends a step before its last iteration, but the '
                'next step starts from the checkpoint of the last one: leave it out, and set the '
                'length of the step'
            )


def _numbers(cfg: Config) -> Iterator[str]:
    for kind in ('train', 'test'):
        key = f'{kind}_dataloader'
        yield from _no_count(f'{key}.batch_size', cfg[key].get('batch_size'))
    for name in LOOPS.values():
        if cfg.train_cfg.get(name) is not None:
            yield from _no_count(f'train_cfg.{name}', cfg.train_cfg[name])
    yield from _no_count(
        'optim_wrapper.accumulative_counts', cfg.optim_wrapper.get('accumulative_counts', 1)
    )
    rate = (cfg.optim_wrapper.get('optimizer') or {}).get('lr')
    if rate is not None and (type(rate) not in (int, float) or rate < 0):
        yield f'optim_wrapper.optimizer.lr is {rate!r}: write a number, such as 0.001'
    seed = (cfg.get('randomness') or {}).get('seed')
    if seed is not None and (type(seed) is not int or not 0 <= seed < SEEDS):
        yield (
            f'randomness.seed is {seed!r}: write a whole number from 0 to {SEEDS - 1}, or None for '
            'one that is drawn'
        )


def _no_count(key: str, value: object) -> Iterator[str]:
    # True would be taken for 1.
    if type(value) is not int or value < 1:
        yield f'{key} is {value!r}: write a whole number, at least 1'


def _text(cfg: Config) -> Iterator[str]:
    yield from lost_in_text(cfg.to_dict())


CHECKS = (
    _text,
    _loop,
    _checkpoints,
    _loaders,
    _evaluator,
    _void,
    _start,
    _model,
    _hooks,
    _numbers,
    problems_of_schedule,
)
