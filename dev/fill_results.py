"""Fills docs/results/measured.csv from finished runs, and writes docs/results.md.

    python dev/fill_results.py                                           # the page alone, from both CSVs
    python dev/fill_results.py work_dirs/dkd/voc_15-5 work_dirs/mib      # the rows of these runs anew

A folder may hold one run or many, such as the seeds of a config. Give all runs of a row at once: the
row is written anew. The figures are those of tools/evaluate.py, DKD's convention on centre crops,
where a run has them; otherwise those of results.json, on whole images. What fits no row is named, also
runs with options other than a seed: the command of a row has none.
"""  # noqa: E501

import argparse
import csv
import io
import re
import statistics
from collections.abc import Iterable
from pathlib import Path

from mmengine.config import Config

from mmseg_dkd.evaluation.scores import SCORES, summarise
from mmseg_dkd.reports.table import markdown
from mmseg_dkd.runs.evaluate import read_evaluation
from mmseg_dkd.runs.manifest import MANIFEST, read_manifest
from mmseg_dkd.runs.repeats import FIRST_STEPS
from mmseg_dkd.runs.results import read_results
from mmseg_dkd.runs.run import Run
from mmseg_dkd.scenario import Scenario
from mmseg_dkd.utils.atomic import write_text

REPOSITORY = Path(__file__).resolve().parents[1]
PAPER = REPOSITORY / 'docs/results/paper.csv'
MEASURED = REPOSITORY / 'docs/results/measured.csv'
PAGE = REPOSITORY / 'docs/results.md'

KEY = ('scenario', 'setting', 'config')
CELLS = [key for figure in SCORES for key in (figure, f'{figure}_sd')]
COLUMNS = [*KEY, *CELLS, 'runs', 'view', 'revision']
NOT_RUN = 'not run'
INTRO = """\
# Results

<!-- Written by dev/fill_results.py: do not edit. -->

The paper's figures beside ours. **"Not run" means that nobody has trained it with this package.**

* **Paper**: mean ± deviation of five runs for DKD and DKD-M. The other methods are as the paper
  quotes them.
* **Released run**: hIoU / mIoU_all of the single runs that the authors published.
* **Ours**: mean ± sample deviation. *Centre* means centre crops and DKD's convention, as in the
  paper: `tools/evaluate.py` prints it. *Whole* means whole images, as in `results.json`.
* `-` is a figure that is not known. The text of the paper that these are from lacks Table 3, and
  runs PLOP and SSUL together in Table 2.
* Table 3 ends with DKD, which is in Table 1. The paper says of it (4.3): the DKD loss helps base
  and novel classes, the initialisation helps novel ones, and both together are best.

The command of a row trains all its seeds. SSUL needs saliency maps and RECALL needs retrieved
images: their configs say where. Joint training has no novel classes, so on centre crops only its
mIoU_all is known. The conditions of our runs are in the pages of [photographs](photographs.md) and
of [the demo](demo.md).

The data are [paper.csv](results/paper.csv) and [measured.csv](results/measured.csv). When runs are
finished, evaluate them and fill in their row:

```bash
python tools/evaluate.py work_dirs/dkd/voc_15-5/seed_0    # each seed
python dev/fill_results.py work_dirs/dkd/voc_15-5         # all seeds at once
```
"""


def read_table(path: Path) -> dict[tuple[str, ...], dict[str, str]]:
    """Rows of one of the CSVs, by ``KEY``."""
    with path.open(newline='') as file:
        return {tuple(row[key] for key in KEY): row for row in csv.DictReader(file)}


def filled(folders: Iterable[Path], paper: dict, measured: dict) -> tuple[dict, dict[Path, str]]:
    """Ours with the rows of finished runs written anew.

    Args:
        folders: Folders that hold runs.
        paper: The page's rows (:func:`read_table`).
        measured: Ours until now.

    Returns:
        Ours, and what fits no row: folder to the reason.

    Raises:
        ValueError: If a file is damaged, or runs of one row were tested on different views.
    """
    unfit: dict[Path, str] = {}
    runs: dict[str, dict[object, Path]] = {}
    below = {folder: runs_below(folder) for folder in folders}
    unfit |= {folder: f'holds no run: no {MANIFEST}' for folder in below if not below[folder]}
    for run in dict.fromkeys(run for found in below.values() for run in found):
        config = read_manifest(run).get('config')
        if reason := why_unfit(run, config, {row['config'] for row in paper.values()}):
            unfit[run] = reason
            continue
        seed = read_results(run)[-1]['provenance']['seed']
        there = runs.setdefault(config, {}).setdefault(seed, run)
        if there != run:
            unfit[run] = f'has seed {seed}, and so has {there}'
    found = {}
    for key, row in paper.items():
        if row['config'] in runs:
            own = list(runs[row['config']].values())
            found[key] = dict(zip(KEY, key, strict=True)) | summary(own, row['scenario'])
    return {key: (measured | found)[key] for key in paper if key in measured | found}, unfit


def runs_below(folder: Path) -> list[Path]:
    """Folders of runs, but not of the step 0s that they share."""
    found = [path.parent for path in sorted(folder.rglob(MANIFEST))]
    return [run for run in found if FIRST_STEPS not in run.parts]


def why_unfit(run: Path, config: str | None, configs: set[str]) -> str | None:
    """Why a run fits no row of the page; None if it fits one."""
    if config not in configs:
        return f'is of {config}, which has no row in {PAPER.name}'
    cfg = Config.fromfile(REPOSITORY / 'configs' / config)
    scenario = Scenario(**cfg.scenario)
    manifest, results = read_manifest(run), read_results(run)
    if manifest.get('fingerprint') != scenario.fingerprint:
        return f'has another scenario, setting or class order than {config}'
    if (finished := len(results)) < scenario.num_steps:
        return f'has finished {finished} of {scenario.num_steps} steps'
    cfg.merge_from_dict({'randomness.seed': results[-1]['provenance']['seed']})
    for step in Run(cfg, run).steps:
        if manifest['steps'][str(step.number)]['recipe'] != step.recipe:
            return f'step {step.number} was trained by another recipe than {config}: by options?'
    return None


def summary(runs: list[Path], scenario: str) -> dict[str, str]:
    """Cells of a row: mean and sample deviation of its runs, their number, view and revision."""
    scores = {run: scores_of(run, scenario) for run in runs}
    views = {run: view for run, (view, _) in scores.items()}
    if len(set(views.values())) > 1:
        without = [str(run) for run, view in views.items() if view == 'whole']
        raise ValueError(
            f'{", ".join(without)}: no centre crops in evaluation.json, unlike other runs of the '
            'row: run tools/evaluate.py on each'
        )
    cells = {}
    for figure in SCORES:
        values = [own[figure] for _, own in scores.values() if own[figure] is not None]
        cells[figure] = f'{statistics.mean(values):.2f}' if values else ''
        cells[f'{figure}_sd'] = f'{statistics.stdev(values):.2f}' if len(values) > 1 else ''
    revisions = sorted({revision_of(run) for run in runs} - {''})
    (view,) = set(views.values())
    return cells | dict(runs=str(len(runs)), view=view, revision=' '.join(revisions))


def scores_of(run: Path, scenario: str) -> tuple[str, dict[str, float | None]]:
    """View and figures, in percent, of a run's last step, with the base classes of a row."""
    last = read_results(run)[-1]
    checkpoint = read_manifest(run)['steps'][str(last['step'])].get('checkpoint', '')
    for row in read_evaluation(run):
        # Folders may have moved, and evaluations of other epochs may be there too.
        same = Path(row['checkpoint']).name == Path(checkpoint).name
        if same and (row['step'], row['convention'], row['view']) == (
            last['step'],
            'DKD',
            'centre',
        ):
            known = SCORES if last['step'] else ('miou_all',)
            return 'centre', {figure: row[figure] if figure in known else None for figure in SCORES}
    names = list(last['per_class_iou'])
    # In the order of learning, behind id 0.
    base = 1 + int(scenario.split('-')[0])
    return 'whole', summarise(last['per_class_iou'], names[:base], names[base:])


def revision_of(run: Path) -> str:
    """Seven digits of the revision that trained a run's last step, ``+`` if files were changed."""
    provenance = read_results(run)[-1]['provenance']
    return (provenance['revision'] or '')[:7] + '+' * bool(provenance['dirty'])


def command_of(config: str, seeds: str) -> str:
    """The command in the first lines of a config, with seeds."""
    text = (REPOSITORY / 'configs' / config).read_text()
    command = re.search(rf'^#   (.* configs/{re.escape(config)}.*)$', text, re.M)
    if command is None:
        raise ValueError(f'configs/{config} opens with no command that runs it')
    return f'`{command[1]} --seeds {seeds}`'


def render(paper: dict, measured: dict) -> str:
    """The page."""
    sections: dict[str, list[dict]] = {}
    for row in paper.values():
        table = f' (Table {row["table"]})' * bool(row['table'])
        title = f'{row["data"]}, {row["scenario"]}, {row["setting"]}{table}'
        sections.setdefault(title, []).append(row)
    parts = [f'## {title}\n\n{section(rows, measured)}\n' for title, rows in sections.items()]
    return '\n'.join([INTRO, *parts])


def section(rows: list[dict], measured: dict) -> str:
    """The table of one scenario; columns of the paper only where it has any of its figures."""
    has_paper = any(row['table'] for row in rows)
    has_released = any(row['released_hiou'] for row in rows)
    titles = ['method', *(f'paper: {name}' for name in SCORES.values() if has_paper)]
    titles += ['released run'] * has_released
    titles += [*(f'ours: {name}' for name in SCORES.values()), 'runs', 'command']
    lines = {}
    for row in rows:
        ours = measured.get(tuple(row[key] for key in KEY))
        cells = figures(row) if has_paper else []
        released = f'{row["released_hiou"]} / {row["released_miou_all"]}'
        cells += [released if row['released_hiou'] else ''] * has_released
        cells += [*figures(ours), runs_of(ours)] if ours else [NOT_RUN, '', '', '', '']
        seeds = '0-4' if row['data'] in ('PASCAL VOC', 'ADE20K') else '0-2'
        lines[row['method']] = [*cells, command_of(row['config'], seeds)]
    return markdown(titles, lines)


def figures(row: dict[str, str]) -> list[str]:
    """The four figures of a row, ``41.45 ±2.91``."""
    with_sd = [(row[figure], row[f'{figure}_sd']) for figure in SCORES]
    return [f'{mean} ±{sd}' if sd else mean or '-' for mean, sd in with_sd]


def runs_of(ours: dict[str, str]) -> str:
    """How many runs a row has, how they were tested, and the revision, where it is known."""
    return ', '.join(filter(None, (ours['runs'], ours['view'], ours['revision'])))


def as_csv(measured: dict) -> str:
    """Text of ours."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator='\n')
    writer.writeheader()
    writer.writerows(measured.values())
    return text.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('runs', nargs='*', type=Path, help='folders that hold finished runs')
    args = parser.parse_args()
    paper = read_table(PAPER)
    try:
        measured, unfit = filled(args.runs, paper, read_table(MEASURED))
    except ValueError as error:
        raise SystemExit(f'error: nothing was written: {error}') from error
    write_text(MEASURED, as_csv(measured))
    write_text(PAGE, render(paper, measured))
    if unfit:
        raise SystemExit('\n'.join(['left out:', *(f'{run} {why}' for run, why in unfit.items())]))


if __name__ == '__main__':
    main()
