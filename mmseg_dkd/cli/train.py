"""Train a network on the steps of a scenario, one after the other.

    mmseg-dkd train dkd/voc_15-5 --dry-run
    mmseg-dkd train dkd/voc_15-5

On 4 GPUs:

    python -m torch.distributed.run --nproc_per_node 4 -m mmseg_dkd train CONFIG --launcher pytorch
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .options import (
    CONFIG_HELP,
    add_cfg_options,
    add_launcher,
    find_config,
    load_config,
    parse_range,
    range_argument,
    work_dir_of,
)

if TYPE_CHECKING:
    from ..scenario import Scenario


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument('config', help=CONFIG_HELP)
    parser.add_argument(
        '--work-dir',
        type=Path,
        help='default: work_dir of the config, or its place below configs, such as '
        'work_dirs/dkd/voc_15-5',
    )
    parser.add_argument('--steps', help='a step or a range of steps, such as 0-2; default: all')
    parser.add_argument(
        '--resume',
        action='store_true',
        help='skip finished steps, go on in the middle of an unfinished one',
    )
    parser.add_argument(
        '--dry-run', action='store_true', help='say what would be done and what is missing'
    )
    parser.add_argument(
        '--seeds',
        type=range_argument,
        help='repeat with these seeds, such as 0-4, in folders of their own; what is finished is '
        'not run again, and equal step 0s are trained once',
    )
    parser.add_argument(
        '--orders', help='repeat with the class orders of this file: the ids of one order per line'
    )
    parser.add_argument(
        '--start-from',
        metavar='CHECKPOINT',
        help='convert this softmax model of mmseg into step 0, and train only its auxiliary '
        'classifier there',
    )
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision; needs a GPU')
    add_launcher(parser)
    add_cfg_options(parser)


def steps_of(text: str | None, scenario: 'Scenario') -> list[int]:
    """Steps named by ``'2'``, ``'0-2'`` or None for all.

    Raises:
        ValueError: If the scenario has no such steps, or one between them is left out.
    """
    if text is None:
        return list(range(scenario.num_steps))
    try:
        steps = parse_range(text)
    except ValueError as error:
        raise ValueError(f'--steps {error}') from error
    if steps != sorted(steps) or steps[-1] >= scenario.num_steps:
        raise ValueError(f'--steps {text!r}: {scenario} has the steps 0-{scenario.num_steps - 1}')
    if len(steps) <= steps[-1] - steps[0]:
        raise ValueError(
            f'--steps {text!r} leaves out a step between others, and each starts from the one '
            f'before it: write {steps[0]}-{steps[-1]}, with --resume to skip what is finished'
        )
    return steps


def run(args: argparse.Namespace) -> None:
    """Train, or say what would be trained."""
    cfg = load_config(args.config, args.cfg_options)
    from mmengine.dist import is_main_process

    from ..engine.amp import switch_on
    from ..engine.launcher import launch
    from ..reports.columns import Column
    from ..reports.outcomes import read_outcomes
    from ..reports.table import write_table
    from ..runs import Run
    from ..runs.repeats import FIRST_STEPS, read_orders, repeated, run_all

    if args.start_from:
        cfg.start_from = args.start_from
    if args.amp:
        switch_on(cfg)
    config = find_config(args.config)
    work_dir = args.work_dir or work_dir_of(config, cfg)
    if not args.dry_run:
        launch(cfg, args.launcher)
    repeats = args.seeds is not None or args.orders is not None
    if repeats:
        orders = args.orders and read_orders(args.orders, cfg.scenario)
        runs = repeated(cfg, work_dir, args.seeds, orders, work_dir / FIRST_STEPS)
    else:
        runs = [Run(cfg, work_dir)]
    steps = steps_of(args.steps, runs[0].scenario)
    if args.dry_run:
        plans = [plan for run in runs for plan in run.plan(steps)]
        print('\n'.join(map(str, plans)))
        raise SystemExit(any(plan.missing for plan in plans))
    if not repeats:
        runs[0].run(steps, resume=args.resume)
        return
    run_all(runs, steps)
    if is_main_process():
        column = Column(config.stem, [run.scenario for run in runs], {config.stem: runs})
        print(write_table(work_dir, read_outcomes([column])))
