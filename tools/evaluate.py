"""Figures of finished steps as MiB, PLOP, SSUL and DKD count them, side by side.

    python tools/evaluate.py work_dirs/voc_15-5
    python tools/evaluate.py work_dirs/voc_15-5 --steps 1 --checkpoint work_dirs/voc_15-5/step_1/epoch_55.pth

One confusion matrix a step and view is computed, kept beside the checkpoint, and read any way.
"""  # noqa: E501

import argparse
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.dist import is_main_process
from prettytable import PrettyTable

from mmseg_dkd.cli.ranges import parse_range
from mmseg_dkd.engine.launcher import launch
from mmseg_dkd.evaluation.scores import FIGURES
from mmseg_dkd.runs.evaluate import VIEWS, scores_of
from mmseg_dkd.runs.manifest import finished_checkpoints
from mmseg_dkd.runs.step import config_file
from mmseg_dkd.utils.json_file import read_json, write_json

PAPER = ('DKD', 'centre')


def table(rows: list[dict]) -> str:
    """The rows of a step; the paper's convention has a mark."""
    printed = PrettyTable(
        ['', 'convention', 'view', 'future classes', 'images', 'class 0', *FIGURES.values()]
    )
    for row in rows:
        mark = '*' if (row['convention'], row['view']) == PAPER else ''
        figures = ['-' if row[key] is None else f'{row[key]:.2f}' for key in FIGURES]
        facts = [row[key] for key in ('convention', 'view', 'future', 'images', 'class_0')]
        printed.add_row([mark, *facts, *figures])
    title = f'step {rows[0]["step"]}, {rows[0]["checkpoint"]}'
    return f"{title}\n{printed}\n* as the paper's tables count: DKD, centre crops"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('work_dir', type=Path, help='of tools/incremental_train.py')
    parser.add_argument('--steps', type=parse_range, help='such as 0-2; default: all finished')
    parser.add_argument('--views', nargs='+', choices=VIEWS, default=list(VIEWS))
    parser.add_argument('--checkpoint', type=Path, help='another one of the only step of --steps')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='override the configs: key=value ...'
    )
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    try:
        checkpoints = finished_checkpoints(args.work_dir)
        steps = sorted(checkpoints) if args.steps is None else args.steps
        if args.checkpoint is not None:
            if args.steps is None or len(steps) != 1:
                raise ValueError('--checkpoint needs its step: give --steps with one step')
            checkpoints[steps[0]] = args.checkpoint
        rows = []
        for step in steps:
            if step not in checkpoints or not checkpoints[step].is_file():
                raise FileNotFoundError(
                    f'{args.work_dir}: step {step} has no checkpoint '
                    f'{checkpoints.get(step, "")}; finished are {sorted(checkpoints)}'
                )
            cfg = Config.fromfile(config_file(args.work_dir, step))
            cfg.merge_from_dict(args.cfg_options or {})
            launch(cfg, args.launcher)
            found = scores_of(cfg, checkpoints[step], args.views)
            if is_main_process():
                print(table(found), flush=True)
            rows += found
        if is_main_process():
            path = args.work_dir / 'evaluation.json'
            anew = {(row['checkpoint'], row['view']) for row in rows}
            kept = [r for r in read_json(path, []) if (r['checkpoint'], r['view']) not in anew]
            write_json(path, sorted([*kept, *rows], key=lambda row: row['step']))
    except (RuntimeError, ValueError, FileNotFoundError) as error:
        raise SystemExit(f'error: {error}') from error


if __name__ == '__main__':
    main()
