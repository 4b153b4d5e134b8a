"""What the config of a run was before steps were added to it."""

import copy
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from ..scenario import Scenario


def as_it_was(cfg: Config, step: int) -> Iterator[Config]:
    """The config, then those with fewer steps that it may have grown from, if they have the step.

    Without the later steps, ``scenario`` and ``num_classes`` are smaller, the classes of a data
    set's ``metainfo`` fewer, and a :class:`.LabelledFolder` that labels later
    classes alone is not there. A step was trained by this config if its recipe is that of one of
    them.

    Args:
        cfg: The config of all steps.
        step: The step.
    """
    yield cfg
    for shorter in Scenario(**cfg.scenario).grown_from(step):
        cut = copy.deepcopy(cfg)
        for key, value in cfg.items():
            cut[key] = _cut(value, shorter)
        cut.scenario = _written(cfg.scenario.to_dict(), shorter)
        yield cut


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
    size = shorter.num_classes + shorter.has_background
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
    """Whether it is a folder that labels classes, but none of the shorter scenario's."""
    if not isinstance(part, dict) or 'labels' not in part:
        return False
    classes = (part.get('metainfo') or {}).get('classes', ())
    shown = [classes.index(name) for name in part['labels'] if name in classes]
    objects = [label for label in shown if label >= shorter.has_background]
    return bool(objects) and min(objects) >= shorter.num_classes + shorter.has_background
