"""The README's tables: methods on the demo set, 4-2, mean and deviation over several seeds.

    python tools/prepare_demo.py
    python benchmarks/demo_table.py --seeds 0 1 2
    python benchmarks/demo_table.py --seeds 0 1 2 --methods 'KD only' KD+DKD KD+init DKD

The incremental methods share step 0 of a seed, which is trained once, with DKD's config (its
auxiliary classifier gives the network no gradient). What is finished is not run again.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mmseg_dkd.evaluation import summarise

REPOSITORY = Path(__file__).resolve().parents[1]
FIRST = 'DKD'
# Config and options; KD only, KD+DKD, KD+init and DKD are the rows of the paper's Table 3.
METHODS = {
    'DKD': ('configs/dkd/fashion_4-2.py', []),
    'KD only': ('configs/kd/fashion_4-2.py', []),
    'KD+DKD': (
        'configs/dkd/fashion_4-2.py',
        ['model.decode_head.init=random', 'model.decode_head.loss_aux=None'],
    ),
    'KD+init': ('configs/dkd/fashion_4-2.py', ['model.decode_head.loss_dkd=None']),
    'fine-tuning': ('configs/finetune/fashion_4-2.py', []),
    'joint': ('configs/joint/fashion.py', []),
}
NUM_BASE = 5  # background and four classes
FIGURES = ('miou_base', 'miou_novel', 'hiou', 'miou_all')


def folder_of(work_dir: Path, method: str, seed: int) -> Path:
    return work_dir / f'{method.replace(" ", "_")}_seed{seed}'


def train(work_dir: Path, method: str, seed: int, threads: int, options: list[str]) -> None:
    """Run what is not finished of one method and seed, with its output in ``output.log``."""
    folder = folder_of(work_dir, method, seed)
    folder.mkdir(parents=True, exist_ok=True)
    steps = []
    config, own_options = METHODS[method]
    if method not in (FIRST, 'joint'):
        start = folder_of(work_dir, FIRST, seed) / 'step_0'
        shutil.copytree(
            start, folder / 'step_0', dirs_exist_ok=True, ignore=shutil.ignore_patterns('2*')
        )
        steps = ['--steps', '1-2']
    command = [
        sys.executable, 'tools/incremental_train.py', config,
        '--work-dir', str(folder), '--resume', *steps,
        '--cfg-options', f'randomness.seed={seed}', *own_options, *options,
    ]  # fmt: skip
    with (folder / 'output.log').open('a') as log:
        subprocess.run(
            command,
            cwd=REPOSITORY,
            env=dict(os.environ, OMP_NUM_THREADS=str(threads)),
            stdout=log,
            stderr=subprocess.STDOUT,
            check=True,
        )
    print(f'{method}, seed {seed}: done', flush=True)


def scores(work_dir: Path, method: str, seed: int) -> dict[str, float]:
    """Final figures of a run; the split of joint training is that of 4-2."""
    entries = json.loads((folder_of(work_dir, method, seed) / 'results.json').read_text())
    per_class = entries[-1]['per_class_iou']
    names = list(per_class)
    return dict(
        summarise(per_class, names[:NUM_BASE], names[NUM_BASE:]),
        least_novel=min(per_class[name] for name in names[NUM_BASE:]),
    )


def table(work_dir: Path, seeds: list[int], methods: list[str]) -> str:
    """Markdown: mean and standard deviation over the seeds."""

    def cell(values: list[float]) -> str:
        spread = f' ± {statistics.stdev(values):.1f}' if len(values) > 1 else ''
        return f'{statistics.mean(values):.1f}{spread}'

    step_0 = []
    for seed in seeds:
        path = folder_of(work_dir, FIRST, seed) / 'results.json'
        step_0.append(json.loads(path.read_text())[0]['miou_base'])
    lines = [
        '| | mIoU_b | mIoU_n | hIoU | mIoU_all | least novel class |',
        '|---|---|---|---|---|---|',
        f'| step 0 | {cell(step_0)} | | | | |',
    ]
    for method in methods:
        runs = [scores(work_dir, method, seed) for seed in seeds]
        cells = [cell([run[key] for run in runs]) for key in (*FIGURES, 'least_novel')]
        lines.append(f'| {method} | {" | ".join(cells)} |')
    return '\n'.join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument(
        '--methods',
        nargs='+',
        choices=METHODS,
        default=['DKD', 'KD only', 'fine-tuning', 'joint'],
    )
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo_table'))
    parser.add_argument('--jobs', type=int, default=2, help='runs at a time')
    parser.add_argument('--cfg-options', nargs='+', default=[], help='passed on to every run')
    args = parser.parse_args()
    threads = max(1, (os.cpu_count() or 1) // args.jobs)
    with ThreadPoolExecutor(args.jobs) as pool:
        # All but joint training start from the step 0 of the first.
        later = [method for method in args.methods if method not in (FIRST, 'joint')]
        for methods in ({FIRST, *args.methods}.difference(later), later):
            jobs = [(method, seed) for method in sorted(methods) for seed in args.seeds]
            done = [
                pool.submit(train, args.work_dir, method, seed, threads, args.cfg_options)
                for method, seed in jobs
            ]
            for job in done:
                job.result()
    print(table(args.work_dir, args.seeds, args.methods))


if __name__ == '__main__':
    main()
