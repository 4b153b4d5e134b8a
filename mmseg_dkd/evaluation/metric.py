"""mIoU of base and novel classes, at every step."""

import numpy as np
from mmengine.logging import MMLogger, print_log
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS
from prettytable import PrettyTable

from .scores import FIGURES, summarise


@METRICS.register_module()
class IncrementalIoUMetric(IoUMetric):
    """mmseg's ``IoUMetric``, with the split into base and novel classes.

    The data set must be a :class:`.StepDataset`; which classes are base comes
    from its ``metainfo``. Background counts as a base class.

    To mmseg's figures it adds ``mIoU_b``, ``mIoU_n``, ``mIoU_all`` and ``hIoU`` in percent, without
    ``mIoU_n`` and ``hIoU`` at step 0, and keeps ``per_class_iou`` (class name to percent, None
    where a class occurs nowhere) and ``scores`` (:func:`.summarise`) for the sequence.
    """

    per_class_iou: dict[str, float | None]
    scores: dict[str, float | None]

    def compute_metrics(self, results: list) -> dict[str, float]:
        """mmseg's tables and figures, then ours."""
        metrics = super().compute_metrics(results)
        if self.format_only:
            return metrics
        # The areas come in float32, which cannot count all pixels of a data set.
        intersect, union = (
            np.sum([area.numpy() for area in areas], axis=0, dtype=np.float64)
            for areas in list(zip(*results, strict=True))[:2]
        )
        with np.errstate(invalid='ignore'):
            iou = np.divide(100 * intersect, union)
        names = self.dataset_meta['classes']
        num_base = 1 + self.dataset_meta['num_base']
        self.per_class_iou = {
            name: None if np.isnan(value) else float(value)
            for name, value in zip(names, iou, strict=True)
        }
        self.scores = summarise(self.per_class_iou, names[:num_base], names[num_base:])
        table = PrettyTable()
        for key, title in FIGURES.items():
            value = self.scores[key]
            if value is not None:
                metrics[title] = round(value, 2)
            table.add_column(title, ['-' if value is None else f'{value:.2f}'])
        print_log(
            f'base and novel classes:\n{table.get_string()}',
            logger=MMLogger.get_current_instance(),
        )
        return metrics
