"""Train several configs with several seeds and orders, and set them side by side.

    python tools/compare.py configs/{kd,kd_dkd,kd_init,dkd}/fashion_4-2.py --seeds 0-2

That is the paper's Table 3 on the demo. What is finished is not run again, runs that would train
the same step 0 share it, and the table has mean and deviation over the runs of a row. On several
GPUs: python -m torch.distributed.run --nproc_per_node 4 tools/compare.py ... --launcher pytorch
"""

import argparse
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.dist import is_main_process

from mmseg_dkd.engine import launch
from mmseg_dkd.engine.ranges import parse_range
from mmseg_dkd.engine.repeats import FIRST_STEPS, read_orders, repeated, run_all
from mmseg_dkd.evaluation.table import write_table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('configs', nargs='+', help='a row each; the first says what is base')
    parser.add_argument('--seeds', type=parse_range, default=[0], help='such as 0-4')
    parser.add_argument('--orders', help='file of class orders, one a line')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/compare'))
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='override every config: key=value ...'
    )
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    try:
        rows = {}
        for path in map(Path, args.configs):
            cfg = Config.fromfile(path)
            if args.cfg_options:
                cfg.merge_from_dict(args.cfg_options)
            launch(cfg, args.launcher)
            name = f'{path.parent.name}_{path.stem}'
            if name in rows:
                raise ValueError(f'two configs would be the row {name!r}: {path} is one of them')
            orders = args.orders and read_orders(args.orders, cfg.scenario)
            shared = args.work_dir / FIRST_STEPS
            rows[name] = repeated(cfg, args.work_dir / name, args.seeds, orders, shared)
        run_all([sequence for row in rows.values() for sequence in row])
        if is_main_process():
            print(write_table(args.work_dir, {k: [s.work_dir for s in v] for k, v in rows.items()}))
    except (RuntimeError, ValueError, OSError) as error:
        raise SystemExit(f'error: {error}') from error


if __name__ == '__main__':
    main()
