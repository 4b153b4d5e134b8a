"""The package's rooms: imports go one way, and no room is crowded."""

import ast
from pathlib import Path

import pytest

from tests.tiny import REPOSITORY

PACKAGE = REPOSITORY / 'mmseg_dkd'
# A room may import from rooms of a lower rank, and from itself.
RANKS = dict(
    utils=0,
    scenario_names=0,
    scenario=1,
    labels=1,
    annotations=3,
    datasets=2,
    models=3,
    methods=4,
    engine=5,
    evaluation=5,
    visualization=6,
    runs=7,
    export=8,
    reports=8,
    teach=9,
    cli=10,
)
# They import everything, which is their purpose.
WHOLE = ('__init__.py', '__main__.py', 'registration.py')
MODULES = [p for p in sorted(PACKAGE.rglob('*.py')) if '.mim' not in p.parts]
ROOMS = [p for p in MODULES if str(p.relative_to(PACKAGE)) not in WHOLE]
CROWD = 15


def room_of(parts: tuple[str, ...]) -> str:
    return parts[0].removesuffix('.py')


def imported(path: Path) -> set[str]:
    """Rooms of the package that a module imports from, those within functions too."""
    package = path.relative_to(PACKAGE).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            below = (*base, *(node.module or '').split('.')) if node.module else base
            # ``from .. import x`` of the package itself: x is a room or a name of __init__.
            names = [room_of(below)] if below else [alias.name for alias in node.names]
            found |= {name for name in names if name in RANKS}
        elif isinstance(node, ast.ImportFrom) and node.module.split('.')[0] == PACKAGE.name:
            below = tuple(node.module.split('.')[1:])
            names = [room_of(below)] if below else [alias.name for alias in node.names]
            found |= {name for name in names if name in RANKS}
        elif isinstance(node, ast.Import):
            found |= {a.name.split('.')[1] for a in node.names if a.name.startswith('mmseg_dkd.')}
    return found


@pytest.mark.parametrize('path', ROOMS, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    own = room_of(path.relative_to(PACKAGE).parts)
    upwards = [room for room in imported(path) if room != own and RANKS[room] >= RANKS[own]]
    # A scenario's ids are labels, and labels are those of a scenario: two files of one subject.
    assert set(upwards) <= ({'labels', 'scenario'} if own in ('labels', 'scenario') else set())


def test_every_room_has_a_rank():
    assert {room_of(path.relative_to(PACKAGE).parts) for path in ROOMS} == set(RANKS)


def test_no_room_is_crowded():
    folders = {path.parent for path in MODULES}
    count = {f: len([p for p in f.glob('*.py') if p.name != '__init__.py']) for f in folders}
    assert {str(f): n for f, n in count.items() if n > CROWD} == {}
