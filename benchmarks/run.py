"""What the package saves against the plain formulation, on this machine.

    python benchmarks/run.py --quick                 # a minute or two
    python benchmarks/run.py --json performance.json

Every part is run in turn with its plain counterpart; the ratios are ours / plain, less is better.
"""

import argparse
import json
import platform
import sys
from pathlib import Path

# So that this file can be run by its path.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402
from prettytable import PrettyTable  # noqa: E402

from benchmarks import index, losses, relabel, teacher  # noqa: E402
from benchmarks.measure import compare  # noqa: E402

PARTS = dict(losses=losses, relabel=relabel, index=index, teacher=teacher)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--quick', action='store_true', help='fewer repeats, smaller indexes')
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=list(PARTS))
    parser.add_argument('--json', type=Path, help='write the figures here')
    args = parser.parse_args()
    init_default_scope('mmseg')
    found = {}
    for name in args.parts:
        found[name] = compare(PARTS[name].part(args.quick))
    if 'index' in found:
        found['index'] |= index.further(args.quick)
    table = PrettyTable(['part', 'time (of pairs)', 'CPU time', 'memory', 'ours', 'plain'])
    for name, part in found.items():
        sides = [f'{part[s]["seconds"]:.3g} s, {part[s]["mib"]:.1f} MiB' for s in ('ours', 'plain')]
        times = [
            '{:.3g} ({:.3g} - {:.3g})'.format(part[clock], *part[f'{clock}_range'])
            for clock in ('time', 'cpu_time')
        ]
        table.add_row([name, *times, f'{part["memory"]:.3g}', *sides])
    print(table)
    if 'index' in found:
        print(', '.join(f'{k} {v:.3g}' for k, v in found['index'].items() if '_seconds' in k))
    if args.json is not None:
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()
        machine = dict(device=device, threads=torch.get_num_threads(), torch=torch.__version__)
        args.json.write_text(json.dumps(dict(found, machine=machine), indent=1))


if __name__ == '__main__':
    main()
