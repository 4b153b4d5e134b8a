"""Train a network on the steps of a scenario, one after the other."""

import argparse
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.dist import is_main_process

from mmseg_dkd import Scenario
from mmseg_dkd.cli.ranges import parse_range
from mmseg_dkd.engine.launcher import launch
from mmseg_dkd.reports.columns import Column
from mmseg_dkd.reports.outcomes import read_outcomes
from mmseg_dkd.reports.table import write_table
from mmseg_dkd.runs import Run
from mmseg_dkd.runs.repeats import FIRST_STEPS, read_orders, repeated, run_all


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config of all steps, such as configs/dkd/voc_15-5.py')
    parser.add_argument('--work-dir', help='default: work_dirs/<name of the config>')
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
        type=parse_range,
        help='repeat with these seeds, such as 0-4, in folders of their own; what is finished is '
        'not run again, and equal step 0s are trained once',
    )
    parser.add_argument(
        '--orders', help='repeat with the class orders of this file: ids, an order a line'
    )
    parser.add_argument(
        '--start-from',
        metavar='CHECKPOINT',
        help='convert this softmax model of mmseg into step 0, and train only its auxiliary '
        'classifier there',
    )
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='override the config: key=value ...'
    )
    # torch.distributed passes this on; mmengine reads LOCAL_RANK from the environment.
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def steps_of(text: str | None, scenario: Scenario) -> list[int]:
    """Steps named by ``'2'``, ``'0-2'`` or None for all."""
    if text is None:
        return list(range(scenario.num_steps))
    try:
        steps = parse_range(text)
    except ValueError as error:
        raise SystemExit(f'error: --steps {error}') from error
    if steps != sorted(steps) or steps[-1] >= scenario.num_steps:
        raise SystemExit(
            f'error: --steps {text!r}: {scenario} has the steps 0-{scenario.num_steps - 1}'
        )
    return steps


def main() -> None:
    args = parse_args()
    cfg = Config.fromfile(args.config)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    if args.start_from:
        cfg.start_from = args.start_from
    if args.amp:
        cfg.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    work_dir = args.work_dir or str(Path('work_dirs', Path(args.config).stem))
    try:
        if not args.dry_run:
            launch(cfg, args.launcher)
        repeats = args.seeds is not None or args.orders is not None
        if repeats:
            orders = args.orders and read_orders(args.orders, cfg.scenario)
            shared = Path(work_dir, FIRST_STEPS)
            sequences = repeated(cfg, work_dir, args.seeds, orders, shared)
        else:
            sequences = [Run(cfg, work_dir)]
        steps = steps_of(args.steps, sequences[0].scenario)
        if args.dry_run:
            plans = [plan for sequence in sequences for plan in sequence.plan(steps)]
            print('\n'.join(map(str, plans)))
            raise SystemExit(any(plan.missing for plan in plans))
        if not repeats:
            sequences[0].run(steps, resume=args.resume)
            return
        run_all(sequences, steps)
        if is_main_process():
            name = Path(args.config).stem
            column = Column(name, [run.scenario for run in sequences], {name: sequences})
            print(write_table(Path(work_dir), read_outcomes([column])))
    except (RuntimeError, ValueError, OSError) as error:
        raise SystemExit(f'error: {error}') from error


if __name__ == '__main__':
    main()
