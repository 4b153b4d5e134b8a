"""Train several configs with several seeds and orders, and set them side by side.

    mmseg-dkd compare {kd,kd_dkd,kd_init,dkd}/fashion_4-2 --seeds 0-2
    mmseg-dkd compare {finetune,mib,dkd}/fashion_{4-2,4-1} joint/fashion --seeds 0-2

These are the paper's Tables 3 and 1 on the demo: one row per method (the config's folder), one
group of columns per scenario (the config's file name). Joint training counts in every scenario.
What is finished is not run again, and runs that would train the same step 0 share it. In
--work-dir:

    table.md        mean and deviation over the runs of a row; minutes and memory of training
    runs.csv        the same of every single run
    forgetting.md   forgetting of every class; of every single run in forgetting.csv
    curves.png      mIoU over the steps, hIoU against minutes

With --report nothing is run: these are written of what is finished, and what is not is listed.
On several GPUs:

    python -m torch.distributed.run --nproc_per_node 4 -m mmseg_dkd compare ... --launcher pytorch
"""

import argparse
from pathlib import Path

from .options import (
    CONFIG_HELP,
    add_cfg_options,
    add_launcher,
    find_config,
    load_config,
    range_argument,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument('configs', nargs='+', help=CONFIG_HELP)
    parser.add_argument('--seeds', type=range_argument, default=[0], help='such as 0-4')
    parser.add_argument('--orders', help='file of class orders, one per line')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/compare'))
    parser.add_argument(
        '--report',
        action='store_true',
        help='run nothing: tables and figure of what is finished, and what is not',
    )
    add_launcher(parser)
    add_cfg_options(parser)


def run(args: argparse.Namespace) -> None:
    """Train what is not finished, and write the report."""
    loaded = [(find_config(name), load_config(name, args.cfg_options)) for name in args.configs]
    from mmengine.dist import is_main_process

    from ..engine.launcher import launch
    from ..reports.columns import columns_of
    from ..reports.outcomes import read_outcomes
    from ..reports.report import write_report
    from ..runs import Run
    from ..runs.repeats import FIRST_STEPS, read_orders, repeated, run_all, unfinished

    configs: dict[Path, list[Run]] = {}
    for path, cfg in loaded:
        launch(cfg, args.launcher)
        folder = args.work_dir / f'{path.parent.name}_{path.stem}'
        if any(folder in run.work_dir.parents for runs in configs.values() for run in runs):
            raise ValueError(f'the runs of two configs would be in {folder}: rename {path}')
        orders = args.orders and read_orders(args.orders, cfg.scenario)
        configs[path] = repeated(cfg, folder, args.seeds, orders, args.work_dir / FIRST_STEPS)
    table = columns_of(configs)
    runs = [run for row in configs.values() for run in row]
    if not args.report:
        run_all(runs)
    if is_main_process():
        lacking = unfinished(runs)
        print(write_report(args.work_dir, read_outcomes(table, lacking)))
        if lacking:
            print(f'\nnot finished, {len(lacking)} of {len(runs)} runs:')
            print('\n'.join(f'  {folder}: {what}' for folder, what in lacking.items()))
