"""Turn a checkpoint of the DKD authors' program into one of this package, or back.

    mmseg-dkd convert-official SRC DST --config dkd/voc_15-5

The step is read off the number of classifiers in SRC. The config of that step is written beside
DST, as DST with .py for a suffix: with these two, mmseg-dkd test or mmseg's own tests the step. The
next step starts from DST when it lies where the checkpoint of the step would.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..scenario import Scenario
from .options import load_config

if TYPE_CHECKING:
    from mmengine.config import Config
    from torch import Tensor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument('source', type=Path, metavar='SRC')
    parser.add_argument('target', type=Path, metavar='DST')
    parser.add_argument('--config', required=True, help='says the scenario and the network')
    parser.add_argument('--reverse', action='store_true', help="from ours to the authors' names")


def run(args: argparse.Namespace) -> None:
    """Convert, and print how many parameters.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
    """
    if not args.source.is_file():
        raise FileNotFoundError(f'{args.source}: no such file')
    cfg = load_config(args.config, None)
    import torch

    from ..datasets.pipelines import show_pipeline
    from ..engine import hand_over
    from ..engine.resolve import step_config
    from ..utils.atomic import write_atomically

    converted = convert(args.source, cfg, args.reverse)
    write_atomically(args.target, partial(torch.save, converted))
    if not args.reverse:
        step = converted['meta'][hand_over.META]['step']
        show_pipeline(step_config(cfg, step)).dump(args.target.with_suffix('.py'))
    print(f'{args.target}: {len(converted["state_dict"])} parameters')


def differences(state: dict[str, 'Tensor'], expected: dict[str, 'Tensor']) -> list[str]:
    """Missing, surplus and misshapen parameters, in words."""
    wrong = [f'missing: {name}' for name in expected if name not in state]
    wrong += [f'surplus: {name}' for name in state if name not in expected]
    wrong += [
        f'{name}: {tuple(state[name].shape)} instead of {tuple(expected[name].shape)}'
        for name in expected
        if name in state and state[name].shape != expected[name].shape
    ]
    return wrong


def expected_state(cfg: 'Config', step: int) -> dict[str, 'Tensor']:
    """Names and shapes of the config's network at a step; nothing is allocated."""
    import torch
    from mmengine.registry import init_default_scope
    from mmseg.registry import MODELS

    from ..engine.resolve import step_config

    init_default_scope(cfg.get('default_scope', 'mmseg'))
    with torch.device('meta'):
        return MODELS.build(step_config(cfg, step).model).state_dict()


def convert(source: Path, cfg: 'Config', reverse: bool) -> dict:
    """The converted checkpoint.

    Raises:
        ValueError: If the parameters are not exactly those of the config's network at that step.
    """
    from ..engine import hand_over
    from ..models.weights.official_names import from_official, to_official
    from ..utils import checkpoint_types

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
