"""The same run with several seeds and class orders."""

import copy
import re
from pathlib import Path

from mmengine.config import Config

from ..scenario import Scenario
from .run import Run

FIRST_STEPS = 'first_steps'
# Of a class order: it becomes a folder beside those of other runs and of steps.
NAME = re.compile(r'\w[\w. -]{0,99}')
OTHERS = re.compile(rf'{FIRST_STEPS}|(?:step|seed)_\d+', re.IGNORECASE)


def read_orders(path: str | Path, scenario: dict) -> dict[str, list[int]]:
    """Class orders of a text file: one per line, ``name: 3 1 2`` or ``3 1 2``; ``#`` comments.

    Args:
        path: The file.
        scenario: Arguments of :class:`.Scenario` without an order of its own.

    Returns:
        Name (``order_<number>`` where the line has none) to class ids in the order of learning.

    Raises:
        ValueError: If the file has no order, a name twice, a name that is no folder of its own, or
            an order that the scenario refuses; it names file and line.
    """
    orders: dict[str, list[int]] = {}
    # Editors on Windows begin a file with a mark.
    for number, line in enumerate(Path(path).read_text('utf-8-sig').splitlines(), 1):
        name, _, ids = line.split('#')[0].rpartition(':')
        if not ids.strip():
            continue
        name = name.strip() or f'order_{len(orders)}'
        if not NAME.fullmatch(name) or OTHERS.fullmatch(name):
            raise ValueError(
                f'{path}, line {number}: the name {name!r} cannot be that of a folder of its own: '
                'write letters, digits, "_", "-" and ".", with a letter or digit in front, and not '
                f'{FIRST_STEPS}, step_... or seed_...'
            )
        if name in orders:
            raise ValueError(f'{path}, line {number}: the name {name!r} is there twice')
        try:
            orders[name] = [int(c) for c in ids.replace(',', ' ').split()]
            Scenario(**dict(scenario, order=orders[name]))
        except ValueError as error:
            raise ValueError(f'{path}, line {number}: {error}') from error
    if not orders:
        raise ValueError(f'{path} has no class order: write one order per line, as class ids')
    return orders


def repeated(
    cfg: Config,
    work_dir: str | Path,
    seeds: list[int] | None,
    orders: dict[str, list[int]] | None,
    first_steps: str | Path,
) -> list[Run]:
    """A run for every order and seed, in folders such as ``work_dir/order_0/seed_1``.

    Those whose step 0 would be the same training share it.

    Args:
        cfg: The config of all steps.
        work_dir: Folder of all these runs.
        seeds: Seeds; the config's own if None.
        orders: Class orders by name (:func:`read_orders`); the config's own if None.
        first_steps: Where the step 0s are kept, by fingerprint.
    """
    runs = []
    of_config: dict[str, None] = {'': None}
    for name, order in (orders or of_config).items():
        for seed in [None] if seeds is None else seeds:
            varied, folder = copy.deepcopy(cfg), Path(work_dir, name)
            if order is not None:
                varied.scenario.order = order
            if seed is not None:
                varied.merge_from_dict({'randomness.seed': seed})
                folder = folder / f'seed_{seed}'
            runs.append(Run(varied, folder, first_steps))
    return runs


def run_all(runs: list[Run], steps: list[int] | None = None) -> None:
    """Run what is not finished of several runs, once all are known to have what they need.

    Args:
        runs: From :func:`repeated`.
        steps: The steps of each; all if None.

    Raises:
        RuntimeError: If anything is missing, before any training.
        ValueError: If a folder holds a run of another scenario or recipe.
    """
    for run in runs:
        run.check(run.ahead(_steps(run, steps), resume=True))
    for run in runs:
        run.run(_steps(run, steps), resume=True)


def unfinished(runs: list[Run]) -> dict[Path, str]:
    """Folders of the runs that are not finished, and in words what each lacks.

    A folder that holds a run of another scenario or recipe is one of them.
    """
    lacks = {}
    for run in runs:
        try:
            ahead = run.ahead(_steps(run, None), resume=True)
        except ValueError as error:
            lacks[run.work_dir] = str(error)
            continue
        if ahead:
            lacks[run.work_dir] = f'lacks step {", ".join(map(str, ahead))}'
    return lacks


def _steps(run: Run, steps: list[int] | None) -> list[int]:
    return list(range(run.scenario.num_steps)) if steps is None else steps
