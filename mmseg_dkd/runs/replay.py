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
from ..engine.resolve import step_config
from ..models.segmentor import IncrementalSegmentor
from ..scenario import Scenario
from ..utils.once import made_once
from .plan import checkpoint_of, memory_of

SURE = 0.9


def draw_memory(cfg: Config, work_dir: str | Path, step: int) -> Path:
    """The memory that a step learns from, drawn before it starts unless it is there.

    The pool has every image that an earlier step trained on, as in the authors' program; a memory
    in the strict sense would know only the images drawn before and those of the last step. Which
    classes an image shows is known from its labels for the classes of the step that trained on it,
    and for older ones from the model at the end of that step, where it is at least 0.9 sure of a
    pixel. The first process draws, the others wait for its file.

    Args:
        cfg: The config of all steps, with ``memory=dict(size=...)``.
        work_dir: Folder of the run, with the checkpoint of the step before.
        step: The step, 1 or later.

    Returns:
        The file, in the step's folder.

    Raises:
        ValueError: In the processes that wait, if the first one failed; it names the reason.
        RuntimeError: In those, if the first one ended.
    """
    path = memory_of(work_dir, step)

    def make() -> Path:
        scenario = Scenario(**cfg.scenario)
        pool = _candidates(cfg, work_dir, step - 1)
        if step > 1:
            earlier = read_memory(memory_of(work_dir, step - 1), scenario, step - 1)
            pool = add_to_pool(earlier.pool, pool)
        seed = (cfg.get('randomness') or {}).get('seed') or 0
        drawn = draw(pool, scenario.old(step), cfg.memory.size, [seed, step])
        write_memory(path, scenario, step, seed, drawn, pool)
        count = sum(map(len, drawn.values()))
        print_log(
            f'{count} of {len(pool)} images of earlier steps drawn into {path}', logger='current'
        )
        return path

    return made_once(path, lambda file: file if file.is_file() else None, make, is_main_process())


def _candidates(cfg: Config, work_dir: str | Path, step: int) -> list[Candidate]:
    """The images that ``step`` trained on."""
    scenario = Scenario(**cfg.scenario)
    resolved = step_config(cfg, step)
    dataset = _as_tested(resolved)
    shows = dataset.presence[dataset.indices]
    labelled = np.zeros(shows.shape[1], bool)
    labelled[list(scenario.new(step))] = True
    shows = shows & labelled
    # Of the classes of step 0 everything is known.
    if step > 0:
        state = hand_over.load(checkpoint_of(cfg, work_dir, step), scenario, step)['state_dict']
        device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
        model = hand_over.build_teacher(resolved.model, state, step, device)
        sure = _sure(model, dataset, resolved.test_dataloader.get('num_workers', 0))
        old = list(scenario.old(step))
        shows[:, old] = sure[:, : len(old)]
    return [
        Candidate(name, (step,), tuple(np.flatnonzero(row).tolist()))
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
        doubt = model.decode_head.doubt(model.inference(data['inputs'], metas)[0])
        # The first channel is the background's.
        found.append((doubt[1:] <= 1 - SURE).flatten(1).any(1).cpu().numpy())
        progress.update()
    progress.file.write('\n')
    return np.stack(found)
