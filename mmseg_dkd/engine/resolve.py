"""The config of one step, from the config of all of them."""

import copy
from typing import Any

from mmengine.config import Config

from ..datasets.memory import memory_options
from ..scenario import Scenario
from ..utils.config_parts import as_list, components

OFFICIAL = 'official'


def at_step(cfg: Any, step: int, scenario: dict | None = None) -> Any:
    """Set ``step``, in place, in every component that has a ``scenario``; the config itself."""
    for component in components(cfg):
        component['step'] = step
        if scenario is not None:
            component['scenario'] = copy.deepcopy(scenario)
    return cfg


def head_configs(model: dict) -> list[dict]:
    """Those of the decode head and of every auxiliary head of a ``model`` config."""
    return [model['decode_head'], *as_list(model.get('auxiliary_head'))]


def step_config(cfg: Config, step: int, previous: str | None = None) -> Config:
    """The config with which step ``step`` is trained and tested.

    The preset, if it is not ``'official'``, is merged over the config from ``presets``. Every
    component that has a ``scenario`` gets the one at the top level, and the step. ``first_step`` is
    merged over the config at step 0, ``later_steps`` from step 1 on, with ``{step}`` in keys and
    texts of either standing for the number of the step. Nothing is initialised from pretrained
    weights where all weights come from a checkpoint: from step 1 on, and at step 0 if there is
    ``start_from``, in which case step 0 trains only what such a model lacks. ``memory`` has all its
    options (:func:`.memory_options`).

    Args:
        cfg: Config with ``scenario`` at the top level and, perhaps, ``first_step``,
            ``later_steps`` and ``start_from``.
        step: The step.
        previous: Checkpoint of the step before.

    Returns:
        A new config; the given one stays as it is.

    Raises:
        ValueError: If the scenario has no such step, there is no such preset, no
            ``IncrementalStepHook``, or ``memory`` is wrong.
    """
    cfg = copy.deepcopy(cfg)
    if 'scenario' not in cfg:
        raise ValueError(f'{cfg.filename} has no scenario: add scenario=dict(name=..., ...)')
    step = Scenario(**cfg.scenario).check_step(step)
    _apply_preset(cfg)
    first, later = cfg.pop('first_step', None), cfg.pop('later_steps', None)
    own = later if step else first
    if own is not None:
        cfg.merge_from_dict(_numbered(own.to_dict(), step))
    if cfg.get('memory') is not None:
        try:
            cfg.memory = memory_options(cfg.memory)
        except ValueError as error:
            raise ValueError(f'{cfg.filename}: {error}') from error
    start_from = cfg.pop('start_from', None)
    start_from = None if step else start_from
    if step > 0 or start_from:
        cfg.model.pop('pretrained', None)
        cfg.model.pop('init_cfg', None)
        cfg.model.backbone.pop('init_cfg', None)
        cfg.model.backbone.pop('pretrained', None)
    at_step(cfg._cfg_dict, step, cfg.scenario)
    hooks = [h for h in cfg.get('custom_hooks') or [] if h.type == 'IncrementalStepHook']
    if len(hooks) != 1:
        raise ValueError(
            f"{cfg.filename} must have one dict(type='IncrementalStepHook') in custom_hooks"
        )
    hooks[0].previous = previous
    if start_from:
        cfg.start_from = hooks[0].start_from = start_from
        cfg.model.converted = True
    cfg.step = step
    return cfg


def _apply_preset(cfg: Config) -> None:
    presets = cfg.pop('presets', None) or {}
    cfg.setdefault('preset', OFFICIAL)
    if cfg.preset == OFFICIAL:
        return
    if cfg.preset not in presets:
        raise ValueError(
            f'preset={cfg.preset!r}: {cfg.filename} knows {sorted([OFFICIAL, *presets])}'
        )
    cfg.merge_from_dict(presets[cfg.preset].to_dict())


def _numbered(part: Any, step: int) -> Any:
    if isinstance(part, dict):
        return {key.replace('{step}', str(step)): _numbered(v, step) for key, v in part.items()}
    if isinstance(part, list):
        return [_numbered(item, step) for item in part]
    return part.replace('{step}', str(step)) if isinstance(part, str) else part
