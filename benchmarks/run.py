"""What the package saves against the plain formulation, on this machine.

    python benchmarks/run.py --quick                 # a minute or two
    python benchmarks/run.py --json performance.json
    python benchmarks/run.py --parts growth --plot growth.png

Every part is run in turn with its plain counterpart; the ratios are ours / plain, less is better.
"""

import argparse
import json
import platform
import sys
from functools import partial
from pathlib import Path

# So that this file can be run by its path.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402
from prettytable import PrettyTable  # noqa: E402

from benchmarks import growth, index, losses, relabel, step, teacher  # noqa: E402
from benchmarks.measure import compare  # noqa: E402

PARTS = dict(
    losses=losses.part,
    relabel=relabel.part,
    index=index.part,
    teacher=teacher.part,
    growth=growth.part,
    step_voc=partial(step.part, 'voc_15-5', False),
    step_ade=partial(step.part, 'ade_100-50', False),
    step_voc_gpu=partial(step.part, 'voc_15-5', True),
    step_ade_gpu=partial(step.part, 'ade_100-50', True),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--quick', action='store_true', help='fewer repeats, smaller indexes')
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=list(PARTS))
    parser.add_argument('--json', type=Path, help='write the figures here')
    parser.add_argument('--plot', type=Path, help='draw the curves of part growth here')
    args = parser.parse_args()
    if args.plot is not None and 'growth' not in args.parts:
        parser.error('--plot draws part growth: add it to --parts')
    init_default_scope('mmseg')
    found = {}
    for name in args.parts:
        found[name] = compare(PARTS[name](args.quick))
    table = PrettyTable(['part', 'time (of pairs)', 'CPU time', 'memory', 'ours', 'plain'])
    for name, part in found.items():
        if 'time' not in part:
            table.add_row([name, 'not run: no GPU', *[''] * 4])
            continue
        sides = [f'{part[s]["seconds"]:.3g} s, {part[s]["mib"]:.1f} MiB' for s in ('ours', 'plain')]
        times = [
            '{:.3g} ({:.3g} - {:.3g})'.format(part[clock], *part[f'{clock}_range'])
            for clock in ('time', 'cpu_time')
        ]
        table.add_row([name, *times, f'{part["memory"]:.3g}', *sides])
    print(table)
    for name, part in found.items():
        for key, value in part.get('further', {}).items():
            print(f'{name} {key}: {_text(value)}')
    if args.plot is not None:
        growth.plot(found['growth']['further'], args.plot)
    if args.json is not None:
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()
        machine = dict(device=device, threads=torch.get_num_threads(), torch=torch.__version__)
        args.json.write_text(json.dumps(dict(found, machine=machine), indent=1))


def _text(value: float | dict) -> str:
    if isinstance(value, dict):
        return ', '.join(f'{key} {number:.3g}' for key, number in value.items())
    return f'{value:.3g}'


if __name__ == '__main__':
    main()
