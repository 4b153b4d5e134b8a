"""The four scores of the paper's tables, from the IoU of every class."""

import logging
import math
from collections.abc import Mapping, Sequence

from mmengine.logging import print_log

SCORES = {'miou_base': 'mIoU_b', 'miou_novel': 'mIoU_n', 'hiou': 'hIoU', 'miou_all': 'mIoU_all'}


def harmonic_mean(a: float, b: float) -> float:
    """hIoU: ``2ab / (a + b)``, 0 where both are 0."""
    return 2 * a * b / (a + b) if a + b > 0 else 0.0


def left_out(per_class_iou: Mapping[str, float | None]) -> list[str]:
    """Names of the classes that no mean has: neither ground truth nor prediction shows them."""
    return [name for name, iou in per_class_iou.items() if iou is None or math.isnan(iou)]


def warn_left_out(per_class_iou: Mapping[str, float | None], means: str = 'the means') -> None:
    """Log the names of the classes that ``means`` do not have, if there are any."""
    if names := left_out(per_class_iou):
        print_log(
            f'left out of {means}, since neither a test image nor a prediction shows them: '
            f'{", ".join(names)}',
            logger='current',
            level=logging.WARNING,
        )


def summarise(
    per_class_iou: Mapping[str, float | None], base: Sequence[str], novel: Sequence[str]
) -> dict[str, float | None]:
    """mIoU_b, mIoU_n, mIoU_all and hIoU.

    Args:
        per_class_iou: Class name to IoU in percent; None or NaN where neither ground truth nor
            prediction has the class. Those are left out of the means (:func:`left_out`).
        base: Names of the classes of step 0, with background where it is one.
        novel: Names of the classes learned later; empty at step 0.

    Returns:
        ``miou_base``, ``miou_novel``, ``miou_all`` and ``hiou`` in percent; ``miou_novel`` and
        ``hiou`` are None where nothing novel was learned.
    """

    def mean(names: Sequence[str]) -> float | None:
        there = [iou for n in names if (iou := per_class_iou[n]) is not None]
        known = [iou for iou in there if not math.isnan(iou)]
        return sum(known) / len(known) if known else None

    miou_base, miou_novel = mean(base), mean(novel)
    hiou = None
    if miou_base is not None and miou_novel is not None:
        hiou = harmonic_mean(miou_base, miou_novel)
    return dict(
        miou_base=miou_base,
        miou_novel=miou_novel,
        miou_all=mean([*base, *novel]),
        hiou=hiou,
    )
