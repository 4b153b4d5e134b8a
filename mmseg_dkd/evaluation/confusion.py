"""Pixel counts of ground truth against prediction, image by image."""

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmseg.registry import METRICS

VOID = 255


@METRICS.register_module()
class ConfusionMetric(BaseMetric):
    """Collects the confusion matrix of every image, void left out.

    After the test, ``images`` of the first process has, in the order of the data set, the non-zero
    entries of each image as ``[3, n]``: label, predicted label, pixels.
    """

    images: list[np.ndarray]

    def process(self, data_batch: dict, data_samples: list[dict]) -> None:
        """Count the pixels of a batch, where its predictions are; only the counts leave there."""
        for sample in data_samples:
            guess = sample['pred_sem_seg']['data'].flatten().long()
            truth = sample['gt_sem_seg']['data'].flatten().to(guess)
            known = truth != VOID
            counts = (truth[known] * 256 + guess[known]).bincount(minlength=1)
            pairs = counts.nonzero()[:, 0]
            entry = torch.stack([pairs // 256, pairs % 256, counts[pairs]])
            self.results.append(entry.cpu().numpy())

    def compute_metrics(self, results: list[np.ndarray]) -> dict[str, float]:
        """Accuracy over all pixels in percent; the counts stay in ``images``."""
        self.images = results
        pixels = sum(image[2].sum() for image in results)
        hits = sum(image[2, image[0] == image[1]].sum() for image in results)
        return dict(aAcc=100 * hits / pixels if pixels else float('nan'))
