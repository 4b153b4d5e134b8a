"""Fingerprints of what decides the result of a step."""

import copy
import hashlib
import json

from mmengine.config import Config
from mmengine.dist import get_world_size

from ..engine.resolve import head_configs, step_config
from ..models.incremental_head import method_of
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
# Parts of these that only decide how fast.
INDIFFERENT = ('num_workers', 'persistent_workers', 'pin_memory', 'prefetch_factor')


def recipe_of(cfg: Config, step: int) -> str:
    """16 hex digits that change with anything that decides what a step learns from its start.

    Args:
        cfg: The config of all steps.
        step: The step.
    """
    return digest(_decisive(cfg, step))


def first_step_config(cfg: Config) -> Config:
    """The config with every class after step 0 in one second step.

    Step 0 of 15-5 and of 15-1 are the same training; both are step 0 of this scenario.
    """
    cfg = copy.deepcopy(cfg)
    scenario = Scenario(**cfg.scenario)
    steps = [scenario.new(0)]
    if scenario.num_steps > 1:
        steps.append(tuple(sorted(scenario.future(0))))
    cfg.scenario = dict(
        name=[list(step) for step in steps],
        num_classes=scenario.num_classes,
        setting=scenario.setting,
        has_background=scenario.has_background,
    )
    return cfg


def first_step_of(cfg: Config) -> str:
    """16 hex digits that two configs share exactly if their step 0 is the same training.

    They depend on network, data, base classes and their order, schedule, seed and number of
    processes, and on nothing that only later steps have.
    """
    return digest([_decisive(first_step_config(cfg), 0), get_world_size()])


def _decisive(cfg: Config, step: int) -> dict:
    parts = step_config(cfg, step).to_dict()
    parts = {key: without(parts[key], INDIFFERENT) for key in DECISIVE if key in parts}
    if step == 0:
        # Without effect as long as there is no old class.
        parts.pop('memory', None)
        heads = [method_of(head).first_step(head) for head in head_configs(parts['model'])]
        parts['model'] = dict(parts['model'], decode_head=heads[0], auxiliary_head=heads[1:])
    return parts


def without(part: object, names: tuple[str, ...]) -> object:
    """A copy of a part of a config that has no keys of these names, however deep."""
    if isinstance(part, dict):
        return {k: without(v, names) for k, v in part.items() if k not in names}
    return [without(item, names) for item in part] if isinstance(part, list | tuple) else part


def digest(content: object) -> str:
    """16 hex digits of plain data."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
