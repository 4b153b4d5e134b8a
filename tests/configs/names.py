"""Every config by its name, and what the name says."""

import re
from functools import cache
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import PARAM_SCHEDULERS

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGS = REPOSITORY / 'configs'
# configs/softmax is of ordinary models (tests/engine/test_start_from.py).
FOLDERS = [p for p in CONFIGS.glob('[!_]*') if p.name != 'softmax']
ALL = sorted(str(p.relative_to(CONFIGS)) for folder in FOLDERS for p in folder.glob('*.py'))
# DKD, what is left of it in the ablation, and its upper bound.
DKD = ('dkd', 'dkd_m', 'dkd_m_labels', 'joint', 'kd', 'kd_dkd', 'kd_init')


@cache
def load(name: str) -> Config:
    """The config."""
    return Config.fromfile(CONFIGS / name)


def classes_of(name: str) -> list[int]:
    """How many classes each step learns."""
    totals = {'/ade_': 150, '/voc_': 20, '/voc-animals': 6, '/msrc': 21, '/fashion': 8}
    (total,) = (size for data, size in totals.items() if data in name)
    sizes = re.search(r'_(\d+)-(\d+)', name)
    base, more = map(int, sizes.groups()) if sizes else (total, 1)
    return [base] + [more] * ((total - base) // more)


def all_steps(names: list[str]) -> list[tuple[str, int]]:
    """Every step of every config."""
    return [(name, step) for name in names for step in range(len(classes_of(name)))]


def rates_of(schedule: list[dict], epochs: int, length: int) -> list[float]:
    """The learning rate in each iteration, from 1.0 on, of epochs of this many iterations."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    # What mmengine's runner adds.
    added = dict(optimizer=optimizer, epoch_length=length)
    schedulers = [
        PARAM_SCHEDULERS.build(dict(end=epochs) | cfg, default_args=added) for cfg in schedule
    ]
    rates = []
    for _ in range(epochs * length):
        rates.append(optimizer.param_groups[0]['lr'])
        for scheduler in schedulers:
            scheduler.step()
    return rates
