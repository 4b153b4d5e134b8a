"""Train several configs with several seeds and orders, and set them side by side.

    python tools/compare.py configs/{kd,kd_dkd,kd_init,dkd}/fashion_4-2.py --seeds 0-2
    python tools/compare.py configs/{finetune,mib,dkd}/fashion_{4-2,4-1}.py \
        configs/joint/fashion.py --seeds 0-2

These are the paper's Tables 3 and 1 on the demo: a row a method (the config's folder), a group of
columns a scenario (the config's file name). Joint training counts in every scenario. What is
finished is not run again, and runs that would train the same step 0 share it. In --work-dir:

    table.md        mean and deviation over the runs of a row; minutes and memory of training
    runs.csv        the same of every single run
    forgetting.md   forgetting of every class; of every single run in forgetting.csv
    curves.png      mIoU over the steps, hIoU against minutes

With --report nothing is run: these are written of what is finished, and what is not is listed.
On several GPUs:
python -m torch.distributed.run --nproc_per_node 4 tools/compare.py ... --launcher pytorch
"""

import argparse
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.dist import is_main_process

from mmseg_dkd.cli.ranges import parse_range
from mmseg_dkd.engine.launcher import launch
from mmseg_dkd.reports.columns import columns_of
from mmseg_dkd.reports.outcomes import read_outcomes
from mmseg_dkd.reports.report import write_report
from mmseg_dkd.runs.repeats import FIRST_STEPS, read_orders, repeated, run_all, unfinished


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('configs', nargs='+', type=Path, help='<method>/<scenario>.py')
    parser.add_argument('--seeds', type=parse_range, default=[0], help='such as 0-4')
    parser.add_argument('--orders', help='file of class orders, one a line')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/compare'))
    parser.add_argument(
        '--report',
        action='store_true',
        help='run nothing: tables and figure of what is finished, and what is not',
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='override every config: key=value ...'
    )
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    try:
        configs = {}
        for path in args.configs:
            cfg = Config.fromfile(path)
            if args.cfg_options:
                cfg.merge_from_dict(args.cfg_options)
            launch(cfg, args.launcher)
            folder = args.work_dir / f'{path.parent.name}_{path.stem}'
            if any(folder in run.work_dir.parents for runs in configs.values() for run in runs):
                raise ValueError(f'the runs of two configs would be in {folder}: rename {path}')
            orders = args.orders and read_orders(args.orders, cfg.scenario)
            shared = args.work_dir / FIRST_STEPS
            configs[path] = repeated(cfg, folder, args.seeds, orders, shared)
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
    except (RuntimeError, ValueError, OSError) as error:
        raise SystemExit(f'error: {error}') from error


if __name__ == '__main__':
    main()
