"""Draw what the paper draws, from runs of mmseg-dkd compare; without arguments, of the demo.

    mmseg-dkd figures steps        Fig. 3: IoU over the steps
    mmseg-dkd figures change       Fig. 5: change of the scores, with and without DKD
    mmseg-dkd figures activation   Fig. 6: activation, with and without the initialisation

A row is a folder of runs, such as work_dirs/compare/dkd_fashion_4-2, or a single run's.
"""

import argparse
from pathlib import Path

COMPARE = Path('work_dirs/compare')
PAIRS = {
    'change': ('kd_init_fashion_4-2', 'dkd_fashion_4-2'),
    'activation': ('kd_dkd_fashion_4-2', 'dkd_fashion_4-2'),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    figures = parser.add_subparsers(dest='figure', required=True)
    steps = figures.add_parser('steps', help='Fig. 3: IoU over the steps')
    steps.add_argument(
        'rows', nargs='*', type=Path, help=f'default: all finished ones of {COMPARE}'
    )
    change = figures.add_parser('change', help='Fig. 5: change of the scores over iterations')
    change.add_argument('--step', type=int, default=1, help='from 1 on; default: 1')
    active = figures.add_parser('activation', help='Fig. 6: activation maps of a new class')
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


def run(args: argparse.Namespace) -> None:
    """Draw one, and print where it is.

    Raises:
        ValueError: If not two rows are to be compared.
    """
    if args.figure in PAIRS and len(args.rows) not in (0, 2):
        raise ValueError(f'{args.figure} compares two rows, got {len(args.rows)}')
    from ..reports import activation, figures
    from ..visualization.pictures import DPI

    table = None
    rows = args.rows or [COMPARE / name for name in PAIRS.get(args.figure, ())]
    if args.figure == 'steps':
        rows = rows or figures.default_rows(COMPARE)
        figure = figures.steps(rows)
    elif args.figure == 'change':
        figure, table = figures.change(rows, args.step)
    else:
        figure, table = activation.compare(rows[0], rows[1], args.step, args.class_name)
    out = args.out or rows[0].resolve().parent / f'{args.figure}.png'
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=DPI)
    if table is not None:
        print(table)
    print(out)
