"""Draws the replay memory of a step, with what the old model knows (DKD-M)."""

import copy
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.utils import ProgressBar
from mmseg.registry import DATASETS
from torch.utils.data import DataLoader, Subset

from ..datasets.memory import Candidate, add_to_pool, draw, read_memory, write_memory
from ..datasets.step_dataset import StepDataset, pipeline_of
from ..engine import hand_over
from ..models.segmentor import IncrementalSegmentor
from ..utils.once import made_once
from .step import Step

SURE = 0.9


def draw_memory(step: Step) -> Path:
    """The replay memory that a step learns from, drawn before it starts unless it is there.

    The pool has every image that an earlier step trained on, as in the authors' program; a memory
    in the strict sense would know only the images drawn before and those of the last step. Which
    classes an image shows is known from its labels for the classes of the step that trained on it,
    and for older ones from the model at the end of that step, where it is at least 0.9 sure of a
    pixel. The first process draws, the others wait for its file.

    Args:
        step: The step, 1 or later, with ``memory=dict(size=...)`` in its config, and the checkpoint
            of the step before.

    Returns:
        The file, in the step's folder.

    Raises:
        ValueError: If there is no step before; in the processes that wait, if the first one
            failed; it names the reason.
        RuntimeError: In those, if the first one ended.
    """
    before, path = step.before, step.memory_file
    if before is None:
        raise ValueError('step 0 has no replay memory: no step is before it')

    def make() -> Path:
        pool = _candidates(before)
        if before.number:
            earlier = read_memory(before.memory_file, before.scenario, before.number)
            pool = add_to_pool(earlier.pool, pool)
        seed = (step.cfg.get('randomness') or {}).get('seed') or 0
        old = step.scenario.old(step.number)
        drawn = draw(pool, old, step.cfg.memory.size, [seed, step.number])
        write_memory(path, step.scenario, step.number, seed, drawn, pool)
        count = sum(map(len, drawn.values()))
        print_log(
            f'{count} of {len(pool)} images of earlier steps drawn into {path}', logger='current'
        )
        return path

    return made_once(path, lambda file: file if file.is_file() else None, make, is_main_process())


def _candidates(step: Step) -> list[Candidate]:
    """The images that a step trained on."""
    scenario, number = step.scenario, step.number
    dataset = _as_tested(step.cfg)
    shows = dataset.presence[dataset.indices]
    labelled = np.zeros(shows.shape[1], bool)
    labelled[list(scenario.new(number))] = True
    shows = shows & labelled
    # Of the classes of step 0 everything is known.
    if number > 0:
        state = hand_over.load(step.checkpoint, scenario, number)['state_dict']
        device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
        model = hand_over.build_teacher(step.cfg.model, state, number, device)
        sure = _sure(model, dataset, step.cfg.test_dataloader.get('num_workers', 0))
        old = list(scenario.old(number))
        shows[:, old] = sure[:, : len(old)]
    return [
        Candidate(name, (number,), tuple(np.flatnonzero(row).tolist()))
        for name, row in zip(dataset.names, shows, strict=True)
    ]


def _as_tested(cfg: Config) -> StepDataset:
    """The training images of a step, as they are when tested."""
    dataset = copy.deepcopy(cfg.train_dataloader.dataset)
    dataset.pipeline = pipeline_of(cfg.test_dataloader.dataset)
    return DATASETS.build(dataset).without_replay()


@torch.no_grad()
def _sure(model: IncrementalSegmentor, dataset: StepDataset, workers: int) -> np.ndarray:
    """bool ``[images, C]``: the model gives a pixel of the image at least 0.9 for the class."""
    found = []
    progress = ProgressBar(len(dataset))
    loader = DataLoader(
        Subset(dataset, range(len(dataset))), num_workers=workers, collate_fn=pseudo_collate
    )
    for data in loader:
        data = model.data_preprocessor(data, False)
        metas = [sample.metainfo for sample in data['data_samples']]
        uncertain = model.decode_head.uncertainty(model.inference(data['inputs'], metas)[0])
        # The first channel is the background's.
        found.append((uncertain[1:] <= 1 - SURE).flatten(1).any(1).cpu().numpy())
        progress.update()
    progress.file.write('\n')
    return np.stack(found)
