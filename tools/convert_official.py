"""Turn a checkpoint of the DKD authors' program into one of this package, or back.

    python tools/convert_official.py SRC DST --config configs/dkd/voc_15-5.py

The step is read off the number of classifiers in SRC. The config of that step is written beside
DST, as DST with .py for a suffix: with these two, tools/test.py or mmseg's own tests the step. The
next step starts from DST when it lies where the step's checkpoint would.
"""

import argparse
from functools import partial
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import Tensor

from mmseg_dkd import Scenario
from mmseg_dkd.engine import hand_over
from mmseg_dkd.engine.resolve import step_config
from mmseg_dkd.models.weights.official_names import from_official, to_official
from mmseg_dkd.utils import checkpoint_types
from mmseg_dkd.utils.atomic import write_atomically


def differences(state: dict[str, Tensor], expected: dict[str, Tensor]) -> list[str]:
    """Missing, surplus and misshapen parameters, in words."""
    wrong = [f'missing: {name}' for name in expected if name not in state]
    wrong += [f'surplus: {name}' for name in state if name not in expected]
    wrong += [
        f'{name}: {tuple(state[name].shape)} instead of {tuple(expected[name].shape)}'
        for name in expected
        if name in state and state[name].shape != expected[name].shape
    ]
    return wrong


def expected_state(cfg: Config, step: int) -> dict[str, Tensor]:
    """Names and shapes of the config's network at a step; nothing is allocated."""
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    with torch.device('meta'):
        return MODELS.build(step_config(cfg, step).model).state_dict()


def convert(source: Path, cfg: Config, reverse: bool) -> dict:
    """The converted checkpoint.

    Raises:
        ValueError: If the parameters are not exactly those of the config's network at that step.
    """
    scenario = Scenario(**cfg.scenario)
    checkpoint = checkpoint_types.load(source)
    state = checkpoint.get('state_dict')
    if not isinstance(state, dict):
        raise ValueError(f"{source} has no 'state_dict'")
    ours = state if reverse else from_official(state)
    first = 'decode_head.conv_seg.steps.'
    step = sum(name.startswith(first) and name.endswith('weight') for name in ours) - 1
    scenario.check_step(step)
    if wrong := differences(ours, expected_state(cfg, step)):
        listed = '\n  '.join(wrong[:20])
        raise ValueError(
            f'{source} does not fit step {step} of {scenario} in {len(wrong)} parameters:\n'
            f'  {listed}'
        )
    if reverse:
        hand_over.check(checkpoint, scenario, step, source)
        return dict(state_dict=to_official(ours))
    return dict(meta={hand_over.META: hand_over.describe(scenario, step)}, state_dict=ours)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', type=Path, metavar='SRC')
    parser.add_argument('target', type=Path, metavar='DST')
    parser.add_argument('--config', required=True, help='says the scenario and the network')
    parser.add_argument('--reverse', action='store_true', help="from ours to the authors' names")
    args = parser.parse_args()
    if not args.source.is_file():
        raise SystemExit(f'error: {args.source}: no such file')
    try:
        cfg = Config.fromfile(args.config)
        converted = convert(args.source, cfg, args.reverse)
    except ValueError as error:
        raise SystemExit(f'error: {error}') from error
    write_atomically(args.target, partial(torch.save, converted))
    if not args.reverse:
        step = converted['meta'][hand_over.META]['step']
        step_config(cfg, step).dump(args.target.with_suffix('.py'))
    print(f'{args.target}: {len(converted["state_dict"])} parameters')


if __name__ == '__main__':
    main()
