"""Predictions of a few fixed images, step after step."""

import copy
from pathlib import Path

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from mmseg.registry import DATASETS
from PIL import Image

from ..datasets import StepDataset
from ..datasets.reading import read_picture
from ..labels import NUM_VALUES, label_of
from ..models.segmentor import segmentor_of
from ..scenario import Scenario

COUNT = 6


def choose_images(presence: np.ndarray, scenario: Scenario, count: int = COUNT) -> list[int]:
    """Fixed test images that together show as many classes as possible, the latest ones first.

    Args:
        presence: bool ``[images, num_classes + 1]``.
        scenario: Says which classes are the latest.
        count: How many images at most.

    Returns:
        Ascending indices; the same for the same data set and scenario.
    """
    weight = np.zeros(presence.shape[1])
    weight[list(scenario.order)] = np.linspace(1, 2, len(scenario.order))
    chosen: list[int] = []
    for _ in range(min(count, len(presence))):
        gain = presence @ weight
        gain[chosen] = -1
        best = int(gain.argmax())
        chosen.append(best)
        # What is shown already counts for little.
        weight[presence[best]] *= 0.1
    return sorted(chosen)


@torch.no_grad()
def predict_samples(runner: Runner, folder: Path) -> None:
    """Write prediction, ground truth and image of the fixed test images as PNG.

    Masks are palette images with the labels of the last step, so the files of all steps can be laid
    side by side. ``classes.txt`` has the names of the labels, one per line.

    Args:
        runner: After testing.
        folder: Where ``<n>_image.png``, ``<n>_truth.png`` and ``<n>_prediction.png`` go.
    """
    cfg = copy.deepcopy(runner.cfg.test_dataloader.dataset)
    step, last = cfg.step, Scenario(**cfg.scenario).num_steps - 1
    cfg.step = last
    dataset: StepDataset = DATASETS.build(cfg)
    palette = np.asarray(dataset.metainfo['palette'], np.uint8)
    model = segmentor_of(runner)
    model.eval()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'classes.txt').write_text(''.join(f'{c}\n' for c in dataset.metainfo['classes']))
    presence = dataset.presence[dataset.indices]
    scenario = dataset.scenario
    becomes = np.arange(NUM_VALUES, dtype=np.uint8)
    for label, class_id in enumerate(scenario.seen(step), start=1):
        becomes[label] = label_of(scenario, class_id, last)
    for number, index in enumerate(choose_images(presence, scenario)):
        sample = model.test_step(pseudo_collate([dataset[index]]))[0]
        read_picture(sample.img_path).save(folder / f'{number}_image.png')
        guess, truth = (
            mask.data.squeeze(0).cpu().numpy().astype(np.uint8)
            for mask in (sample.pred_sem_seg, sample.gt_sem_seg)
        )
        for name, mask in (('prediction', becomes[guess]), ('truth', truth)):
            picture = Image.fromarray(mask, mode='P')
            picture.putpalette(palette.tobytes())
            picture.save(folder / f'{number}_{name}.png')
