"""Draw what the paper draws, from runs of tools/compare.py; without arguments, of the demo.

    python tools/figures.py steps        Fig. 3: IoU over the steps
    python tools/figures.py change       Fig. 5: change of the scores, with and without DKD
    python tools/figures.py activation   Fig. 6: activation, with and without the initialisation

A row is a folder of runs, such as work_dirs/compare/dkd_fashion_4-2, or a single run's.
"""

import argparse
from pathlib import Path

from mmseg_dkd.reports import activation, figures
from mmseg_dkd.visualization.pictures import DPI

COMPARE = Path('work_dirs/compare')
PAIRS = {
    'change': ('kd_init_fashion_4-2', 'dkd_fashion_4-2'),
    'activation': ('kd_dkd_fashion_4-2', 'dkd_fashion_4-2'),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest='command', required=True)
    steps = commands.add_parser('steps', help='Fig. 3: IoU over the steps')
    steps.add_argument(
        'rows', nargs='*', type=Path, help=f'default: all finished ones of {COMPARE}'
    )
    change = commands.add_parser('change', help='Fig. 5: change of the scores over iterations')
    change.add_argument('--step', type=int, default=1, help='from 1 on; default: 1')
    active = commands.add_parser('activation', help='Fig. 6: activation maps of a new class')
    active.add_argument('--step', type=int, help='default: the last one')
    active.add_argument('--class-name', help="default: the step's first class")
    for name, command in (('change', change), ('activation', active)):
        command.add_argument(
            'rows',
            nargs='*',
            type=Path,
            metavar='WITHOUT WITH',
            help=f'two rows; default: {" and ".join(PAIRS[name])} of {COMPARE}',
        )
    for command in (steps, change, active):
        command.add_argument('--out', type=Path, help='PNG; default: beside the rows')
    args = parser.parse_args()
    if args.command in PAIRS and len(args.rows) not in (0, 2):
        parser.error(f'{args.command} compares two rows, got {len(args.rows)}')
    table = None
    try:
        rows = args.rows or [COMPARE / name for name in PAIRS.get(args.command, ())]
        if args.command == 'steps':
            rows = rows or figures.default_rows(COMPARE)
            figure = figures.steps(rows)
        elif args.command == 'change':
            figure, table = figures.change(rows, args.step)
        else:
            figure, table = activation.compare(*rows, args.step, args.class_name)
        out = args.out or rows[0].resolve().parent / f'{args.command}.png'
        out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(out, dpi=DPI)
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(f'error: {error}') from error
    if table is not None:
        print(table)
    print(out)


if __name__ == '__main__':
    main()
