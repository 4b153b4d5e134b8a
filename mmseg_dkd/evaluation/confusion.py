"""Pixel counts of ground truth against prediction, image by image."""

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmseg.registry import METRICS
from torch import Tensor

from ..labels import VOID


def confusion_matrix(guess: Tensor, truth: Tensor, num_classes: int, void: int) -> Tensor:
    """Count the pixels of each pair of label and prediction, on the device where they are.

    Args:
        guess: int ``[...]``: predicted class, 0 to ``num_classes - 1``.
        truth: int ``[...]``, on the same device: class, or ``void``.
        num_classes: Number of classes, C.
        void: Label of pixels that are not counted.

    Returns:
        int64 ``[C, C]`` on the same device, one row per label.

    Raises:
        ValueError: If a label is no class.
    """
    known = truth != void
    pairs = truth[known].long() * num_classes + guess[known]
    counts = pairs.bincount(minlength=num_classes**2)
    if len(counts) > num_classes**2:
        raise ValueError(
            f'a mask has the label {truth[known].max().item()}, but the data set has the classes 0 '
            f'to {num_classes - 1}, and {void} is void: mend the mask'
        )
    return counts.view(num_classes, num_classes)


@METRICS.register_module()
class ConfusionMetric(BaseMetric):
    """Collects the confusion matrix of every image, void left out.

    After the test, ``images`` of the first process has, in the order of the data set, the non-zero
    entries of each image as ``[3, n]``: label, predicted label, pixels.
    """

    images: list[np.ndarray]

    def process(self, data_batch: dict, data_samples: list[dict]) -> None:
        """Count the pixels of a batch on the device of its predictions. Only the counts leave
        it.

        Raises:
            ValueError: If nobody looked for some class in an image.
        """
        for sample in data_samples:
            if 'labelled_for' in sample:
                raise ValueError(
                    f'{sample["img_path"]}: its folder is labelled_for some classes alone, and '
                    'conventions differ in what the others are: test on images in which all '
                    'classes are labelled, or see results.json'
                )
            guess, truth = sample['pred_sem_seg']['data'], sample['gt_sem_seg']['data']
            counts = confusion_matrix(guess, truth.to(guess.device), 256, VOID)
            entry = torch.stack([*counts.nonzero().T, counts[counts > 0]])
            self.results.append(entry.cpu().numpy())

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Accuracy over all pixels in percent; the counts stay in ``images``."""
        self.images = results
        pixels = sum(image[2].sum() for image in results)
        hits = sum(image[2, image[0] == image[1]].sum() for image in results)
        return dict(aAcc=100 * hits / pixels if pixels else float('nan'))
