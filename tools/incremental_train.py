"""Train a network on the steps of a scenario, one after the other."""

import argparse
import re
from pathlib import Path

from mmengine.config import Config, DictAction

from mmseg_dkd import Scenario
from mmseg_dkd.engine import Sequence, launch


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
    match = re.fullmatch(r'(\d+)(?:-(\d+))?', text)
    if match is None:
        raise SystemExit(f'error: --steps {text!r} is neither a step nor a range such as 0-2')
    steps = list(range(int(match[1]), int(match[2] or match[1]) + 1))
    if not steps or steps[-1] >= scenario.num_steps:
        raise SystemExit(
            f'error: --steps {text!r}: {scenario} has the steps 0-{scenario.num_steps - 1}'
        )
    return steps


def main() -> None:
    args = parse_args()
    cfg = Config.fromfile(args.config)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    if args.amp:
        cfg.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    work_dir = args.work_dir or str(Path('work_dirs', Path(args.config).stem))
    try:
        sequence = Sequence(cfg, work_dir)
        steps = steps_of(args.steps, sequence.scenario)
        if args.dry_run:
            plans = sequence.plan(steps)
            print('\n'.join(map(str, plans)))
            raise SystemExit(any(plan.missing for plan in plans))
        launch(cfg, args.launcher)
        sequence.run(steps, resume=args.resume)
    except (RuntimeError, ValueError, FileNotFoundError) as error:
        raise SystemExit(f'error: {error}') from error


if __name__ == '__main__':
    main()
