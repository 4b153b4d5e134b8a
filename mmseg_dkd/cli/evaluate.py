"""Scores of finished steps as MiB, PLOP, SSUL and DKD count them, side by side.

    mmseg-dkd evaluate work_dirs/dkd/voc_15-5
    mmseg-dkd evaluate RUN --steps 1 --checkpoint RUN/step_1/epoch_55.pth

One confusion matrix per step and view is computed, kept beside the checkpoint, and read any way.
"""

import argparse
from pathlib import Path

from .options import add_cfg_options, add_launcher, load_config, range_argument

PAPER = ('DKD', 'centre')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument('work_dir', type=Path, help='folder of a run')
    parser.add_argument('--steps', type=range_argument, help='such as 0-2; default: all finished')
    parser.add_argument('--views', nargs='+', help='of centre and whole; default: both')
    parser.add_argument('--checkpoint', type=Path, help='another one of the only step of --steps')
    add_launcher(parser)
    add_cfg_options(parser)


def run(args: argparse.Namespace) -> None:
    """Print a table per step, and write ``evaluation.json``."""
    from mmengine.dist import is_main_process

    from ..engine.launcher import launch
    from ..runs.evaluate import EVALUATION, VIEWS, read_evaluation, scores_of
    from ..runs.manifest import finished_checkpoints
    from ..runs.step import config_file
    from ..utils.json_file import write_json

    checkpoints = finished_checkpoints(args.work_dir)
    steps = sorted(checkpoints) if args.steps is None else args.steps
    if args.checkpoint is not None:
        if args.steps is None or len(steps) != 1:
            raise ValueError('--checkpoint needs its step: give --steps with one step')
        checkpoints[steps[0]] = args.checkpoint
    before = read_evaluation(args.work_dir)
    rows = []
    for step in steps:
        if step not in checkpoints or not checkpoints[step].is_file():
            raise FileNotFoundError(
                f'{args.work_dir}: step {step} has no checkpoint '
                f'{checkpoints.get(step, "")}; finished are {sorted(checkpoints)}'
            )
        cfg = load_config(str(config_file(args.work_dir, step)), args.cfg_options)
        launch(cfg, args.launcher)
        found = scores_of(cfg, checkpoints[step], args.views or list(VIEWS))
        if is_main_process():
            print(table(found), flush=True)
        rows += found
    if is_main_process():
        anew = {(row['checkpoint'], row['view']) for row in rows}
        kept = [row for row in before if (row['checkpoint'], row['view']) not in anew]
        ordered = sorted([*kept, *rows], key=lambda row: row['step'])
        write_json(args.work_dir / EVALUATION, ordered)


def table(rows: list[dict]) -> str:
    """The rows of a step; the paper's convention has a mark."""
    from prettytable import PrettyTable

    from ..evaluation.scores import SCORES

    printed = PrettyTable(
        ['', 'convention', 'view', 'future classes', 'images', 'class 0', *SCORES.values()]
    )
    for row in rows:
        mark = '*' if (row['convention'], row['view']) == PAPER else ''
        scores = ['-' if row[key] is None else f'{row[key]:.2f}' for key in SCORES]
        facts = [row[key] for key in ('convention', 'view', 'future', 'images', 'class_0')]
        printed.add_row([mark, *facts, *scores])
    title = f'step {rows[0]["step"]}, {rows[0]["checkpoint"]}'
    return f"{title}\n{printed}\n* as the paper's tables count: DKD, centre crops"
