"""The config of one step, from the config of all of them."""

import copy
from typing import Any

from mmengine.config import Config

from ..scenario import Scenario

OFFICIAL = 'official'


def at_step(cfg: Any, step: int, scenario: dict | None = None) -> Any:
    """Set ``step``, in place, in every component that has a ``scenario``; the config itself."""
    if isinstance(cfg, dict):
        if 'scenario' in cfg and 'type' in cfg:
            cfg['step'] = step
            if scenario is not None:
                cfg['scenario'] = copy.deepcopy(scenario)
        for value in cfg.values():
            at_step(value, step, scenario)
    elif isinstance(cfg, list | tuple):
        for item in cfg:
            at_step(item, step, scenario)
    return cfg


def head_configs(model: dict) -> list[dict]:
    """Those of the decode head and of every auxiliary head of a ``model`` config."""
    auxiliary = model.get('auxiliary_head') or []
    return [model['decode_head'], *(auxiliary if isinstance(auxiliary, list) else [auxiliary])]


def step_config(cfg: Config, step: int, previous: str | None = None) -> Config:
    """The config with which step ``step`` is trained and tested.

    The preset, if it is not ``'official'``, is merged over the config from ``presets``. Every
    component that has a ``scenario`` gets the one at the top level, and the step. From step
    1 on, ``later_steps`` is merged over the config, with ``{step}`` in its keys standing for the
    number of the step, and nothing is initialised from pretrained weights, since all weights come
    from the step before.

    Args:
        cfg: Config with ``scenario`` at the top level and, perhaps, ``later_steps``.
        step: The step.
        previous: Checkpoint of the step before.

    Returns:
        A new config; the given one stays as it is.

    Raises:
        ValueError: If the scenario has no such step, there is no such preset, or no
            ``IncrementalStepHook``.
    """
    cfg = copy.deepcopy(cfg)
    if 'scenario' not in cfg:
        raise ValueError(f'{cfg.filename} has no scenario: add scenario=dict(name=..., ...)')
    step = Scenario(**cfg.scenario).check_step(step)
    _apply_preset(cfg)
    later = cfg.pop('later_steps', None)
    if step > 0:
        if later is not None:
            cfg.merge_from_dict(_numbered(later.to_dict(), step))
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


def _numbered(later: Any, step: int) -> Any:
    if isinstance(later, dict):
        return {key.replace('{step}', str(step)): _numbered(v, step) for key, v in later.items()}
    if isinstance(later, list):
        return [_numbered(item, step) for item in later]
    return later
