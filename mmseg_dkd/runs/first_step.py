"""One step 0 for all runs that would train the same one."""

import shutil
from functools import partial
from pathlib import Path

import torch
from mmengine.config import Config

from ..engine import hand_over
from ..engine.choices import choices
from ..engine.resolve import step_config
from ..scenario import Scenario
from ..utils.atomic import write_atomically
from .plan import checkpoint_of, step_folder
from .recipe import first_step_config
from .results import RESULTS, read_json


def adopt(cfg: Config, shared: Path, work_dir: Path) -> dict:
    """Take over a finished step 0, as if the run had trained it itself.

    Checkpoint, config and samples are copied; the checkpoint and the figures are marked as of this
    run's scenario and choices. The log stays where it is.

    Args:
        cfg: The config of all steps.
        shared: Folder of the run of :func:`.first_step_config` that trained it.
        work_dir: Folder of the run that takes it over.

    Returns:
        The entry for results.json.

    Raises:
        FileNotFoundError: If the shared run has no checkpoint.
        ValueError: If its checkpoint is not of this first step.
    """
    first, own = first_step_config(cfg), step_config(cfg, 0)
    source, target = checkpoint_of(first, shared, 0), checkpoint_of(cfg, work_dir, 0)
    checkpoint = hand_over.load(source, Scenario(**first.scenario), 0)
    chosen = choices(own)
    checkpoint['meta'].update(
        cfg=own.pretty_text,
        **{hand_over.META: dict(hand_over.describe(Scenario(**cfg.scenario), 0), choices=chosen)},
    )
    write_atomically(target, partial(torch.save, checkpoint))
    own.dump(target.parent / Path(cfg.filename).name)
    shutil.copytree(
        step_folder(shared, 0) / 'samples', target.parent / 'samples', dirs_exist_ok=True
    )
    return dict(read_json(shared / RESULTS, [])[0], choices=chosen)
