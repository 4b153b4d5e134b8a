"""mIoU of base and novel classes, at every step."""

import math

import numpy as np
import torch
from mmengine.dist import get_dist_info
from mmengine.logging import MMLogger, print_log
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS
from prettytable import PrettyTable

from .confusion import confusion_matrix
from .scores import SCORES, summarise, warn_left_out


@METRICS.register_module()
class IncrementalIoUMetric(IoUMetric):
    """mmseg's ``IoUMetric``, with the split into base and novel classes.

    The data set must be a :class:`.StepDataset`; which classes are base comes from its
    ``metainfo``. Background counts as a base class.

    To mmseg's scores it adds ``mIoU_b``, ``mIoU_n``, ``mIoU_all`` and ``hIoU`` in percent, without
    ``mIoU_n`` and ``hIoU`` at step 0, and keeps ``per_class_iou`` (class name to percent, None
    where a class occurs nowhere) and ``scores`` (:func:`.summarise`) for the sequence. It logs the
    names of the classes that the means leave out.

    Pixels are counted on the device of the predictions, into one confusion matrix per process. Only
    this matrix comes to the CPU, when all images are counted.
    """

    per_class_iou: dict[str, float | None]
    scores: dict[str, float | None]
    images = 0
    results: list[torch.Tensor]

    def process(self, data_batch: dict, data_samples: list[dict]) -> None:
        """Count a batch; ``results`` holds the matrix of the last image, and that of all before."""
        super().process(data_batch, data_samples)
        self.images += len(data_samples)
        if len(self.results) > 2:
            *before, last = self.results
            self.results = [sum(before), last]

    # What mmseg's process keeps of an image, in place of its four histograms.
    intersect_and_union = staticmethod(confusion_matrix)

    def evaluate(self, size: int) -> dict[str, float]:
        """See mmengine's ``BaseMetric``; an image that two processes tested counts once.

        ``DefaultSampler`` deals out the images in turn, and gives the first ones again to processes
        that would have one less than others.
        """
        rank, world_size = get_dist_info()
        repeated = self.images > math.ceil((size - rank) / world_size)
        kept = self.results[:-1] if repeated else self.results
        self.images, self.results = 0, [matrix.cpu() for matrix in kept]
        return super().evaluate(size)

    def compute_metrics(self, results: list[torch.Tensor]) -> dict[str, float]:
        """mmseg's tables and scores, then ours."""
        if self.format_only:
            return super().compute_metrics(results)
        matrix = sum(results).double()
        intersect, label, guess = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
        union = label + guess - intersect
        metrics = super().compute_metrics([(intersect, union, guess, label)])
        iou = (100 * intersect / union).numpy()
        names = self.dataset_meta['classes']
        num_base = 1 + self.dataset_meta['num_base']
        self.per_class_iou = {
            name: None if np.isnan(value) else float(value)
            for name, value in zip(names, iou, strict=True)
        }
        self.scores = summarise(self.per_class_iou, names[:num_base], names[num_base:])
        table = PrettyTable()
        for key, title in SCORES.items():
            value = self.scores[key]
            if value is not None:
                metrics[title] = round(value, 2)
            table.add_column(title, ['-' if value is None else f'{value:.2f}'])
        warn_left_out(self.per_class_iou)
        print_log(
            f'base and novel classes:\n{table.get_string()}',
            logger=MMLogger.get_current_instance(),
        )
        return metrics
