"""What decides the result of a step: its fingerprint, and that of the config before it grew."""

import copy
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config
from mmengine.dist import get_world_size

from ..datasets.pipelines import show_pipeline
from ..engine.resolve import head_configs, step_config
from ..labels import num_labels
from ..models.method_registry import method_of
from ..scenario import Scenario

# Parts of a config that decide what is learned and what is measured.
DECISIVE = (
    'model',
    'train_dataloader',
    'train_cfg',
    'optim_wrapper',
    'param_scheduler',
    'auto_scale_lr',
    'randomness',
    'custom_hooks',
    'load_from',
    'memory',
    'test_dataloader',
    'test_evaluator',
)
# Parts of these that decide no result: how fast, or where an index lies.
INDIFFERENT = (
    'num_workers',
    'persistent_workers',
    'pin_memory',
    'prefetch_factor',
    'presence_dir',
    # What a step learns anew is in the steps themselves.
    'refresh',
)


def recipe_of(cfg: Config) -> str:
    """16 hex digits that change with anything that decides what a step learns from its start.

    Args:
        cfg: Config of one step, as :func:`.step_config` returns it.
    """
    return digest(_decisive(cfg))


def differences(cfg: Config, other: Config) -> list[str]:
    """Keys, such as ``optim_wrapper.optimizer.lr``, in which two configs of one step would decide
    its result otherwise.

    Args:
        cfg: Config of the step, as :func:`.step_config` returns it.
        other: One that mmengine has written into the folder of a step. What it has of the run
            alone does not count: where files lie, and a seed that was drawn.
    """
    shown = (show_pipeline(copy.deepcopy(c)) for c in (cfg, other))
    one, two = (_leaves(json.loads(_text(_decisive(c)))) for c in shown)
    drawn = one.get('randomness.seed') is None
    of_run = {'load_from', *(['randomness.seed'] if drawn else [])}
    return sorted(
        key
        for key in (one.keys() | two.keys()) - of_run
        if one.get(key) != two.get(key) and not key.startswith('train_dataloader.dataset.memory')
    )


def first_step_config(cfg: Config) -> Config:
    """The config with every class after step 0 in one second step.

    Step 0 of 15-5 and of 15-1 are the same training; both are step 0 of this scenario.
    """
    cfg = copy.deepcopy(cfg)
    scenario = Scenario(**cfg.scenario)
    steps = [scenario.new(0)]
    if later := sorted(scenario.future(0)):
        steps.append(tuple(later))
    cfg.scenario = dict(
        name=[list(step) for step in steps],
        num_classes=scenario.num_classes,
        setting=scenario.setting,
        has_background=scenario.has_background,
    )
    if scenario.left_out:
        cfg.scenario.classes = list(scenario.classes)
    if not scenario.zero_counts:
        cfg.scenario.unlabelled = scenario.unlabelled
    return cfg


def first_step_of(cfg: Config) -> str:
    """16 hex digits that two configs share exactly if their step 0 is the same training.

    They depend on network, data, base classes and their order, schedule, seed and number of
    processes, and on nothing that only later steps have.

    Args:
        cfg: The config of all steps.
    """
    return digest([_decisive(step_config(first_step_config(cfg), 0)), get_world_size()])


def before_growth(cfg: Config, scenario: Scenario, step: int) -> Iterator[Config]:
    """The configs with fewer steps that a config may have grown from, if they have the step.

    Without the later steps, ``scenario`` and ``num_classes`` are smaller, the classes of a data
    set's ``metainfo`` fewer, and a :class:`.LabelledFolder` that labels later classes alone, or is
    there from a later step on, is not there.

    Args:
        cfg: The config of all steps.
        scenario: Its scenario.
        step: The step.
    """
    for shorter in scenario.grown_from(step):
        cut = copy.deepcopy(cfg)
        for key, value in cfg.items():
            cut[key] = _cut(value, shorter)
        cut.scenario = _written(cfg.scenario.to_dict(), shorter)
        yield cut


def _decisive(cfg: Config) -> dict:
    content = cfg.to_dict()
    parts: dict[str, Any] = {
        key: without(content[key], INDIFFERENT) for key in DECISIVE if key in content
    }
    # Where the checkpoint of the step before lies decides nothing.
    parts['custom_hooks'] = [
        dict(hook, previous=None) if hook['type'] == 'IncrementalStepHook' else hook
        for hook in parts['custom_hooks']
    ]
    if 'converted' in parts['model']:
        # As it was called when the first of these runs were trained: their fingerprints stay.
        others = {key: value for key, value in parts['model'].items() if key != 'converted'}
        parts['model'] = dict(others, only_auxiliary=parts['model']['converted'])
    if cfg.step == 0:
        # Without effect as long as there is no old class.
        parts.pop('memory', None)
        heads = [method_of(head).first_step(head) for head in head_configs(parts['model'])]
        parts['model'] = dict(parts['model'], decode_head=heads[0], auxiliary_head=heads[1:])
    return parts


def _leaves(part: Any, name: str = '') -> dict[str, object]:
    """``{'a': {'b': [1]}}`` as ``{'a.b.0': 1}``."""
    if not isinstance(part, dict | list) or not part:
        return {name: part}
    items = part.items() if isinstance(part, dict) else enumerate(part)
    found: dict[str, object] = {}
    for key, value in items:
        found |= _leaves(value, f'{name}.{key}'.strip('.'))
    return found


def without(part: object, names: tuple[str, ...]) -> object:
    """A copy of a part of a config that has no keys of these names, however deep."""
    if isinstance(part, dict):
        return {k: without(v, names) for k, v in part.items() if k not in names}
    return [without(item, names) for item in part] if isinstance(part, list | tuple) else part


def digest(content: object) -> str:
    """16 hex digits of plain data."""
    return hashlib.sha256(_text(content).encode()).hexdigest()[:16]


def _text(content: object) -> str:
    return json.dumps(content, sort_keys=True, default=str)


def _written(scenario: dict, shorter: Scenario) -> dict:
    """Arguments of the shorter scenario, as the author of the longer one will have written them."""
    written = dict(scenario, num_classes=shorter.num_classes)
    if isinstance(scenario['name'], str) and shorter.num_steps > 1:
        if scenario.get('order'):
            written['order'] = list(shorter.order)
        return written
    written.pop('order', None)
    return dict(written, name=[list(step) for step in shorter.steps])


def _cut(part: Any, shorter: Scenario) -> Any:
    """A part of a config, without what only the later steps have."""
    if isinstance(part, list):
        return [_cut(item, shorter) for item in part if not _is_later(item, shorter)]
    if not isinstance(part, dict):
        return part
    cut = type(part)({key: _cut(value, shorter) for key, value in part.items()})
    size = num_labels(shorter)
    if 'scenario' in part and 'num_classes' in part:
        cut['num_classes'] = size
    metainfo = part.get('metainfo') or {}
    for key in {'classes', 'palette'} & set(metainfo):
        cut['metainfo'][key] = metainfo[key][:size]
    if 'labels' in part and 'classes' in metainfo:
        later = metainfo['classes'][size:]
        cut['labels'] = {n: v for n, v in part['labels'].items() if n not in later}
    return cut


def _is_later(part: object, shorter: Scenario) -> bool:
    """Whether it is a folder that labels classes, but none of the shorter scenario's, or that is
    there from a later step on."""
    if not isinstance(part, dict) or 'labels' not in part:
        return False
    if part.get('from_step', 0) >= shorter.num_steps:
        return True
    classes = (part.get('metainfo') or {}).get('classes', ())
    shown = [classes.index(name) for name in part['labels'] if name in classes]
    objects = [label for label in shown if label >= shorter.has_background]
    return bool(objects) and min(objects) >= num_labels(shorter)
