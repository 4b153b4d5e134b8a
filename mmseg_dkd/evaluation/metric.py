"""mIoU of base and novel classes, at every step."""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.dist import get_dist_info
from mmengine.logging import MMLogger, print_log
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS
from PIL import Image
from prettytable import PrettyTable
from torch import Tensor
from torch.nn.functional import pad

from ..labels import NUM_VALUES
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

    In an image with ``labelled_for`` in its meta, a class that nobody looked for has no pixel, and
    what is predicted to be of it is of none of the others. Background counts where all classes were
    looked for.

    Pixels are counted on the device of the predictions, into one confusion matrix per process. Only
    this matrix comes to the CPU, when all images are counted.

    Args:
        *args: As for ``IoUMetric``.
        **kwargs: As for ``IoUMetric``. Predictions in ``output_dir`` have the numbers of the data
            set's own masks, in the order of the data set and, with ``reduce_zero_label``, from 1
            on.
    """

    per_class_iou: dict[str, float | None]
    scores: dict[str, float | None]
    images = 0
    results: list[Tensor]

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._saved: dict[str, str] = {}

    def process(self, data_batch: dict, data_samples: list[dict]) -> None:
        """Count and save a batch; ``results`` holds the matrix of the last image, and that of all
        before.

        Raises:
            ValueError: If a mask has a label that is no class, or two images have one file name, so
                that one prediction would be written over the other.
        """
        for sample in data_samples:
            guess = sample['pred_sem_seg']['data'].squeeze()
            if not self.format_only:
                truth = sample['gt_sem_seg']['data'].squeeze().to(guess)
                self.results.append(self._counts(guess, truth, sample.get('labelled_for')))
            if self.output_dir is not None:
                self._save(sample['img_path'], guess)
        self.images += len(data_samples)
        if len(self.results) > 2:
            *before, last = self.results
            self.results = [sum(before), last]

    def _counts(self, guess: Tensor, truth: Tensor, looked_for: Sequence[int] | None) -> Tensor:
        """The confusion matrix of an image, with one row and column more, for what is of no class
        that somebody looked for."""
        num_classes, void = len(self.dataset_meta['classes']), self.ignore_index
        if looked_for is None:
            return pad(confusion_matrix(guess, truth, num_classes, void), (0, 1, 0, 1))
        becomes = torch.full((NUM_VALUES,), num_classes, dtype=guess.dtype, device=guess.device)
        for label in (*looked_for, void):
            becomes[label] = label
        guess, truth = becomes[guess.long()], becomes[truth.long()]
        return confusion_matrix(guess, truth, num_classes + 1, void)

    def _save(self, image: str, guess: Tensor) -> None:
        path = Path(self.output_dir, f'{Path(image).stem}.png')
        if (other := self._saved.setdefault(path.name, image)) != image:
            raise ValueError(
                f'{path} would be the prediction of {other} and of {image}: test their folders one '
                'by one, or rename an image'
            )
        values = np.array(self.dataset_meta.get('mask_values', range(NUM_VALUES)), np.uint8)
        Image.fromarray(values[guess.cpu().numpy()]).save(path)

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

    def compute_metrics(self, results: list[Tensor]) -> dict[str, float]:
        """mmseg's tables and scores, then ours."""
        if self.format_only:
            return super().compute_metrics(results)
        matrix = sum(results).double()
        intersect, label, guess = (
            counts[:-1] for counts in (matrix.diagonal(), matrix.sum(1), matrix.sum(0))
        )
        union = label + guess - intersect
        with warnings.catch_warnings():
            # Where nobody looked for any class, numpy warns of mmseg's mean of nothing.
            warnings.simplefilter('ignore', RuntimeWarning)
            metrics = super().compute_metrics([(intersect, union, guess, label)])
        iou = (100 * intersect / union).numpy()
        names = self.dataset_meta['classes']
        base = [0, *self.dataset_meta['base']]
        self.per_class_iou = {
            name: None if np.isnan(value) else float(value)
            for name, value in zip(names, iou, strict=True)
        }
        novel = [label for label in range(len(names)) if label not in base]
        self.scores = summarise(
            self.per_class_iou, [names[i] for i in base], [names[i] for i in novel]
        )
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
