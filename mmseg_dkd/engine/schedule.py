"""How long a step is, and how its learning rate runs: read off its resolved config."""

from collections.abc import Iterator

from mmengine.config import Config
from mmseg.registry import PARAM_SCHEDULERS

from ..utils.config_parts import as_list

# Schedulers that go up to the learning rate and leave it there.
WARM_UPS = ('LinearLR', 'ConstantLR')


def by_epoch_of(cfg: Config) -> bool:
    """Whether a step counts epochs rather than iterations, as mmengine decides it."""
    kind = cfg.train_cfg.get('type')
    return cfg.train_cfg.get('by_epoch', True) if kind is None else kind == 'EpochBasedTrainLoop'


def problems_of_schedule(cfg: Config) -> Iterator[str]:
    """What is wrong, in words, with the schedulers of a step; each names value and remedy."""
    unit, length = _length(cfg)
    for scheduler in _schedulers(cfg):
        kind = scheduler.get('type')
        if isinstance(kind, str | None) and PARAM_SCHEDULERS.get(str(kind)) is None:
            yield f'param_scheduler: there is no scheduler {kind!r}; correct its name or import it'
        elif scheduler.get('by_epoch', True) and unit == 'iteration':
            yield (
                f'param_scheduler {scheduler["type"]} counts epochs, but train_cfg counts '
                'iterations, so that the rate would never change: set by_epoch=False'
            )
    for scheduler, end in _ends(cfg):
        if length and scheduler.get('begin', 0) >= end:
            yield (
                f'param_scheduler {scheduler["type"]} begins at {unit} {scheduler["begin"]} and '
                f'ends at {end}, in a step of {length}: set begin to less than that'
            )


def notes_of_schedule(cfg: Config) -> Iterator[str]:
    """In words, that the schedule of a step ends before or after the step."""
    unit, length = _length(cfg)
    for scheduler, end in _ends(cfg):
        if end > length:
            yield (
                f'param_scheduler {scheduler["type"]} ends at {unit} {end}, but the step at '
                f'{length}, before the learning rate comes to its end: without end in the config '
                'it ends with the step'
            )
    curves = [end for scheduler, end in _ends(cfg) if scheduler['type'] not in WARM_UPS]
    if curves and max(curves) < length:
        yield (
            f'param_scheduler ends at {unit} {max(curves)}, but the step at {length}: from there '
            'on the learning rate stays as it is, 0 for example; without end in the config it '
            'ends with the step'
        )


def warm_up_of(cfg: Config) -> float | None:
    """Which part of a step is warm-up; None if it is given in another unit than the length."""
    part = 0.0
    for scheduler in _schedulers(cfg):
        if scheduler['type'] == 'WarmUpPolyLR':
            part += scheduler.get('warm_up', 0.0)
        elif scheduler['type'] == 'LinearLR':
            by_epoch = scheduler.get('by_epoch', True)
            length = cfg.train_cfg.get('max_epochs' if by_epoch else 'max_iters')
            if length is None:
                return None
            part += (scheduler.get('end', length) - scheduler.get('begin', 0)) / length
    return part


def _schedulers(cfg: Config) -> list[dict]:
    return as_list(cfg.get('param_scheduler'))


def _length(cfg: Config) -> tuple[str, int]:
    """Unit and length of the step; 0 if it has none."""
    unit, key = ('epoch', 'max_epochs') if by_epoch_of(cfg) else ('iteration', 'max_iters')
    return unit, cfg.train_cfg.get(key) or 0


def _ends(cfg: Config) -> list[tuple[dict, int]]:
    """The schedulers and their ends, as far as they count as the step does: how many iterations an
    epoch has is not known here."""
    length = _length(cfg)[1]
    alike = [s for s in _schedulers(cfg) if s.get('by_epoch', True) == by_epoch_of(cfg)]
    return [(scheduler, scheduler.get('end', length)) for scheduler in alike]
