"""What tables and figures of several methods need of each run."""

import statistics
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..evaluation.forgetting import forgetting_of
from ..evaluation.scores import summarise
from ..runs.manifest import read_manifest
from ..runs.results import read_finished
from ..runs.run import Run
from ..scenario import Scenario
from .columns import Column


@dataclass(frozen=True)
class Outcome:
    """What a run has written.

    Args:
        folder: Folder of the run.
        entries: Entries of results.json, one per step.
        base: Names of the base classes, with background where it is a class.
        minutes: Minutes of training, all steps together; None if not measured. A shared step 0
            counts for each run that has it.
        memory_mib: Peak memory of the training in MiB (:class:`.CostHook`); None if not measured.
    """

    folder: Path
    entries: list[dict]
    base: list[str]
    minutes: float | None
    memory_mib: float | None

    def scores(self, step: int = -1) -> dict[str, float | None]:
        """After a step, the last one by default: what :func:`.summarise` returns, and
        ``least_novel``, the IoU of the worst novel class, in percent."""
        per_class = self.entries[step]['per_class_iou']
        novel = [name for name in per_class if name not in self.base]
        scores = summarise(per_class, self.base, novel)
        return dict(scores, least_novel=min((per_class[n] or 0.0 for n in novel), default=None))

    @property
    def forgetting(self) -> dict[str, float | None]:
        """See :func:`mmseg_dkd.evaluation.forgetting.forgetting_of`."""
        steps = [entry['per_class_iou'] for entry in self.entries]
        background = next(iter(steps[0]))
        return forgetting_of([{n: iou[n] for n in iou if n != background} for iou in steps])

    @property
    def training(self) -> dict[str, float | None]:
        """How the training went, in percent: ``clipped``, the largest share of any step;
        ``agreement``, the mean of all later steps (:func:`.training_of`). None if not measured."""
        steps = [entry.get('training', {}) for entry in self.entries]
        clipped = [step['clipped'] for step in steps if step.get('clipped') is not None]
        agreement = [step['agreement'] for step in steps if step.get('agreement') is not None]
        return dict(
            clipped=max(clipped, default=None),
            agreement=statistics.mean(agreement) if agreement else None,
        )

    @property
    def components(self) -> dict[str, str]:
        """What it is made of, as in Table 3: the components of its method, and its replay
        memory."""
        choices = self.entries[-1].get('choices', {})
        own = {name: '+' * there for name, there in choices.get('components', {}).items()}
        return own | dict(memory=str(choices.get('memory') or ''))


# Title of a scenario to the methods, each with what its runs have written.
Outcomes = dict[str, dict[str, list[Outcome]]]


def read_outcomes(columns: Sequence[Column], leave_out: Container[Path] = ()) -> Outcomes:
    """Read what the runs have written.

    Args:
        columns: From :func:`mmseg_dkd.reports.columns.columns_of`.
        leave_out: Folders of runs that are not to be read, such as those that are not finished.
    """
    return {
        column.title: {
            method: [
                _read(run, scenario)
                for run, scenario in zip(runs, column.scenarios, strict=True)
                if run.work_dir not in leave_out
            ]
            for method, runs in column.rows.items()
        }
        for column in columns
    }


def costs_of(steps: Mapping[str, dict], first_steps: Path | None) -> dict[str, dict]:
    """What the training of each step has cost.

    Args:
        steps: ``steps`` of a manifest.
        first_steps: Folder of the step 0s that runs share.

    Returns:
        The entries of the steps. For a shared step 0 it is the entry of the run that trained it, or
        an empty one if that run is gone.
    """
    costs = dict(steps)
    for step, entry in steps.items():
        if 'shared' in entry and first_steps is not None:
            # By its name: the folders may have moved together.
            shared = first_steps / Path(entry['shared']).name
            costs[step] = read_manifest(shared)['steps'].get(step, {})
    return costs


def _read(run: Run, scenario: Scenario) -> Outcome:
    entries = read_finished(run.work_dir, run.scenario)
    last = entries[-1]
    names = dict(zip((0, *run.scenario.seen(last['step'])), last['per_class_iou'], strict=True))
    costs = costs_of(read_manifest(run.work_dir)['steps'], run.first_steps).values()
    seconds: list[Any] = [cost.get('seconds') for cost in costs]
    peaks: list[Any] = [cost.get('memory_mib') for cost in costs]
    return Outcome(
        folder=run.work_dir,
        entries=entries,
        base=[names[class_id] for class_id in (0, *scenario.new(0))],
        minutes=None if None in seconds else sum(seconds) / 60,
        memory_mib=None if None in peaks else max(peaks, default=None),
    )
