"""One step 0 for all runs that would train the same one."""

import copy
import shutil
from functools import partial

import torch

from ..datasets.pipelines import show_pipeline
from ..engine import hand_over
from ..engine.choices import choices_of
from ..utils.atomic import write_atomically
from .results import read_results
from .step import Step


def adopt(shared: Step, own: Step) -> dict:
    """Take over a finished step 0, as if the run had trained it itself.

    Checkpoint, config and samples are copied; the checkpoint and the scores are marked as of this
    run's scenario and choices. The log stays where it is.

    Args:
        shared: Step 0 of the run of :func:`.first_step_config` that trained it.
        own: Step 0 of the run that takes it over.

    Returns:
        The entry for results.json.

    Raises:
        FileNotFoundError: If the shared run has no checkpoint.
        ValueError: If its checkpoint is not of this first step.
    """
    checkpoint = hand_over.load(shared.checkpoint, shared.scenario, 0)
    chosen = choices_of(own.cfg)
    described = dict(hand_over.describe(own.scenario, 0), choices=chosen)
    checkpoint['meta'].update(cfg=own.cfg.pretty_text, **{hand_over.META: described})
    write_atomically(own.checkpoint, partial(torch.save, checkpoint))
    show_pipeline(copy.deepcopy(own.cfg)).dump(own.own_config)
    shutil.copytree(shared.folder / 'samples', own.folder / 'samples', dirs_exist_ok=True)
    return dict(read_results(shared.folder.parent)[0], choices=chosen)
