"""Configs as the methods and scenarios of one table."""

from dataclasses import dataclass
from pathlib import Path

from ..runs.recipe import digest, without
from ..runs.run import Run
from ..scenario import Scenario


@dataclass(frozen=True)
class Column:
    """The runs of several methods in one scenario.

    Args:
        title: Name of the scenario in the table.
        scenarios: The i-th is that of the i-th run of every method. Its step 0 says which classes
            are base classes.
        rows: The runs of each method.
    """

    title: str
    scenarios: list[Scenario]
    rows: dict[str, list[Run]]


def columns_of(configs: dict[Path, list[Run]]) -> list[Column]:
    """Sort the runs of several configs into scenarios and methods.

    Configs of the same scenario, tested on the same data, are one column. Its title is the shortest
    of their file names. A method is named after its config's folder and, in brackets, what the file
    name has beyond the shortest one. Joint training belongs to every scenario of its data.

    Args:
        configs: Path of a config to its runs (:func:`mmseg_dkd.runs.repeats.repeated`), each with
            the same seeds and orders.

    Raises:
        ValueError: If two scenarios would have the same title, or two configs of a column the same
            name.
    """
    kinds = {path: (runs[0].scenario, _data(runs[0])) for path, runs in configs.items()}
    titles = {
        kind: min((p.stem for p in configs if kinds[p] == kind), key=len) for kind in kinds.values()
    }
    incremental = {data for scenario, data in titles if scenario.num_steps > 1}
    found = {}
    for (scenario, data), title in titles.items():
        if scenario.num_steps == 1 and data in incremental:
            continue
        if title in found:
            raise ValueError(
                f'two scenarios would be the column {title!r}: give their configs file names of '
                'their own'
            )
        rows = {}
        for path, runs in configs.items():
            kind = kinds[path]
            joint = kind[0].num_steps == 1 and kind[1] == data
            if kind != (scenario, data) and not joint:
                continue
            if (method := _method(path, titles[kind])) in rows:
                raise ValueError(
                    f'two configs would be the row {method!r} of {title}: {path} is one of them. '
                    'Put it into a folder of another name'
                )
            rows[method] = runs
        first = next(p for p in configs if kinds[p] == (scenario, data))
        found[title] = Column(title, [run.scenario for run in configs[first]], rows)
    return list(found.values())


def _data(run: Run) -> str:
    """Fingerprint of the classes and of what a run is tested on."""
    tested = run.cfg.test_dataloader.to_dict()['dataset']
    tested = without(tested, ('pipeline', 'scenario', 'step'))
    return digest([run.scenario.num_classes, run.scenario.has_background, tested])


def _method(path: Path, title: str) -> str:
    variant = path.stem.removeprefix(title).strip('_-')
    return f'{path.parent.name} ({variant})' if variant else path.parent.name
