"""The same run with several seeds and class orders."""

import copy
from pathlib import Path

from mmengine.config import Config

from ..scenario import Scenario
from .run import Run

FIRST_STEPS = 'first_steps'


def read_orders(path: str | Path, scenario: dict) -> dict[str, list[int]]:
    """Class orders of a text file: one a line, ``name: 3 1 2`` or ``3 1 2``; ``#`` comments.

    Args:
        path: The file.
        scenario: Arguments of :class:`.Scenario` without an order of its own.

    Returns:
        Name (``order_<number>`` where the line has none) to class ids in the order of learning.

    Raises:
        ValueError: If the file has no order, a name twice, or an order that the scenario refuses;
            it names file and line.
    """
    orders: dict[str, list[int]] = {}
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        name, _, ids = line.split('#')[0].rpartition(':')
        if not ids.strip():
            continue
        name = name.strip() or f'order_{len(orders)}'
        if name in orders:
            raise ValueError(f'{path}, line {number}: the name {name!r} is there twice')
        try:
            orders[name] = [int(c) for c in ids.replace(',', ' ').split()]
            Scenario(**dict(scenario, order=orders[name]))
        except ValueError as error:
            raise ValueError(f'{path}, line {number}: {error}') from error
    if not orders:
        raise ValueError(f'{path} has no class order: write the class ids of one order a line')
    return orders


def repeated(
    cfg: Config,
    work_dir: str | Path,
    seeds: list[int] | None,
    orders: dict[str, list[int]] | None,
    first_steps: str | Path,
) -> list[Run]:
    """A sequence for every order and seed, in folders such as ``work_dir/order_0/seed_1``.

    Those whose step 0 would be the same training share it.

    Args:
        cfg: The config of all steps.
        work_dir: Folder of all these runs.
        seeds: Seeds; the config's own if None.
        orders: Class orders by name (:func:`read_orders`); the config's own if None.
        first_steps: Where the step 0s are kept, by fingerprint.
    """
    sequences = []
    of_config: dict[str, None] = {'': None}
    for name, order in (orders or of_config).items():
        for seed in [None] if seeds is None else seeds:
            varied, folder = copy.deepcopy(cfg), Path(work_dir, name)
            if order is not None:
                varied.scenario.order = order
            if seed is not None:
                varied.merge_from_dict({'randomness.seed': seed})
                folder = folder / f'seed_{seed}'
            sequences.append(Run(varied, folder, first_steps))
    return sequences


def run_all(sequences: list[Run], steps: list[int] | None = None) -> None:
    """Run what is not finished of several sequences, once all are known to have what they need.

    Args:
        sequences: From :func:`repeated`.
        steps: The steps of each; all if None.

    Raises:
        RuntimeError: If anything is missing, before any training.
        ValueError: If a folder holds a run of another scenario or recipe.
    """
    for sequence in sequences:
        sequence.check(sequence.ahead(_steps(sequence, steps), resume=True))
    for sequence in sequences:
        sequence.run(_steps(sequence, steps), resume=True)


def unfinished(sequences: list[Run]) -> dict[Path, str]:
    """Folders of the runs that are not finished, and in words what each lacks.

    A folder that holds a run of another scenario or recipe is one of them.
    """
    lacks = {}
    for sequence in sequences:
        try:
            ahead = sequence.ahead(_steps(sequence, None), resume=True)
        except ValueError as error:
            lacks[sequence.work_dir] = str(error)
            continue
        if ahead:
            lacks[sequence.work_dir] = f'lacks step {", ".join(map(str, ahead))}'
    return lacks


def _steps(sequence: Run, steps: list[int] | None) -> list[int]:
    return list(range(sequence.scenario.num_steps)) if steps is None else steps
