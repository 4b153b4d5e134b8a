"""How configs are put together: see configs/README.md."""

import ast
from pathlib import Path

import pytest
from mmengine.config import Config

from .names import CONFIGS
from .resolved import LEAVES

BASE = CONFIGS / '_base_'


def bases_of(path: Path) -> list[Path]:
    """Files that a config names in ``_base_``."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == '_base_':
            named = ast.literal_eval(node.value)
            named = [named] if isinstance(named, str) else named
            return [(path.parent / name).resolve() for name in named]
    return []


def depth(path: Path) -> int:
    """Levels of a config, itself the first."""
    return 1 + max(map(depth, bases_of(path)), default=0)


@pytest.mark.parametrize('name', LEAVES)
def test_a_config_is_three_levels_deep_at_most_and_knows_no_other(name):
    bases = bases_of(CONFIGS / name)
    assert depth(CONFIGS / name) <= 3
    assert all(BASE in base.parents for base in bases)


@pytest.mark.parametrize('name', LEAVES)
def test_bases_are_in_one_order(name):
    kinds = [base.relative_to(BASE).parts[0] for base in bases_of(CONFIGS / name)]
    order = ['models', 'datasets', 'schedules', 'methods', 'incremental_runtime.py']
    # configs/softmax is of ordinary models.
    assert kinds == [kind for kind in order if kind != 'methods' or not name.startswith('softmax')]


def test_every_base_is_used():
    used, open_ = set(), [CONFIGS / name for name in LEAVES]
    while open_:
        bases = bases_of(open_.pop())
        used.update(bases)
        open_ += bases
    copied = {p for p in BASE.rglob('*.py') if p.read_text().startswith('# Copied unchanged')}
    assert set(BASE.rglob('*.py')) - used - copied == set()


def test_runtime_is_mmsegs_and_what_incremental_configs_add():
    own = Config.fromfile(BASE / 'incremental_runtime.py').to_dict()
    stock = Config.fromfile(BASE / 'default_runtime.py').to_dict()
    added = {'custom_imports', 'randomness', 'tta_model'}
    assert own.keys() - stock.keys() == added - {'tta_model'}
    # The schedule says it.
    assert stock.keys() - own.keys() == {'log_processor'}
    assert all(own[key] == stock[key] for key in own.keys() - added)
