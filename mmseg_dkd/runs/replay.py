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

from ..datasets.memory import Candidate, draw, pool_of, read_memory, recipe_in, write_memory
from ..datasets.pipelines import pipeline_of
from ..datasets.step_dataset import StepDataset
from ..engine import hand_over
from ..models.segmentor import IncrementalSegmentor
from ..utils.once import made_once
from .resume import LAST
from .step import Step

SURE = 0.9


def draw_memory(step: Step) -> Path:
    """The replay memory that a step learns from, drawn before it starts.

    What is there already is kept if the step has begun to learn from it, or was to be trained by
    the same recipe.

    It is drawn from the memory of the step before and the images of that step, as in the programs
    of DKD-M and SSUL-M: no image but these need be kept. Which classes an image shows is known from
    its labels for the classes of the steps that trained on it, and for the others from the model
    at the end of the step before, where it is at least 0.9 sure of a pixel. The first process
    draws, the others wait for its file.

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
            pool = pool_of(earlier.drawn, pool)
        seed = (step.cfg.get('randomness') or {}).get('seed') or 0
        old = step.scenario.old(step.number)
        drawn = draw(pool, old, step.cfg.memory.size, [seed, step.number])
        write_memory(path, step.scenario, step.number, seed, step.recipe, drawn, pool)
        count = sum(map(len, drawn.values()))
        print_log(
            f'{count} of {len(pool)} images of earlier steps drawn into {path}', logger='current'
        )
        return path

    begun = (step.folder / LAST).is_file() and path.is_file()

    def drawn_already(file: Path) -> Path | None:
        return file if begun or recipe_in(file) == step.recipe else None

    return made_once(path, drawn_already, make, is_main_process())


def _candidates(step: Step) -> list[Candidate]:
    """The images of a step."""
    scenario, number = step.scenario, step.number
    dataset = _as_tested(step.cfg)
    trained = _trained(step, dataset)
    labelled = np.zeros((len(dataset), dataset.presence.shape[1]), bool)
    for row, steps in zip(labelled, trained, strict=True):
        row[[c for s in steps for c in scenario.new(s)]] = True
    shows = dataset.presence[dataset.indices] & labelled
    # Of the classes of step 0 everything is known.
    if number > 0:
        state = hand_over.load(step.checkpoint, scenario, number)['state_dict']
        device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
        model = hand_over.build_teacher(step.cfg.model, state, number, device)
        sure = _sure(model, dataset, step.cfg.test_dataloader.get('num_workers', 0))
        old = list(scenario.old(number))
        # Labels have the last word, also where they say that a class is not there.
        shows[:, old] |= sure[:, : len(old)] & ~labelled[:, old]
    return [
        Candidate(image, mask, steps, tuple(np.flatnonzero(row).tolist()))
        for (image, mask), steps, row in zip(dataset.files, trained, shows, strict=True)
    ]


def _trained(step: Step, dataset: StepDataset) -> list[tuple[int, ...]]:
    """For each image of a step: this step, and the earlier ones that trained on the same image
    with the same mask."""
    trained = [[step.number] for _ in dataset.files]
    earlier = step.before
    while earlier is not None:
        theirs = set(_as_tested(earlier.cfg).files)
        for file, steps in zip(dataset.files, trained, strict=True):
            if file in theirs:
                steps.insert(0, earlier.number)
        earlier = earlier.before
    return [tuple(steps) for steps in trained]


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
