"""How four papers count: published mIoUs differ in what they include."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .scores import summarise, warn_left_out


@dataclass(frozen=True)
class Convention:
    """What one paper's program does at test time.

    ``future``: pixels of classes still to come are ``'ignored'`` or count as ``'background'``
    (id 0). ``all_images``: whether images without a seen class are tested. ``with_zero``: whether
    the IoU of id 0 (background, or ADE20K's unlabelled pixels) is in the means; if not, its pixels
    still count against other classes' predictions.
    """

    name: str
    future: str
    all_images: bool = False
    with_zero: bool = True


def conventions_of(has_background: bool) -> tuple[Convention, ...]:
    """MiB, PLOP, SSUL and DKD, for data with a background class (VOC) or without (ADE20K)."""
    without_zero = Convention('MiB', 'ignored', with_zero=False)
    # MiB's scores for VOC are quoted both ways.
    with_zero = (Convention('MiB', 'ignored'),) if has_background else ()
    return (
        *with_zero,
        without_zero,
        Convention('PLOP', 'background'),
        Convention('SSUL', 'ignored', all_images=True),
        Convention('DKD', 'background' if has_background else 'ignored'),
    )


def scores(
    confusion: np.ndarray, convention: Convention, names: Sequence[str], base: Sequence[int]
) -> dict[str, float | None]:
    """mIoU_b, mIoU_n, mIoU_all and hIoU under a convention, in percent.

    Args:
        confusion: Pixel counts ``[2, 1 + classes, 1 + seen]``. First axis: images that show a seen
            class, then the others. Second axis: ground truth, id 0, then all classes in the order
            of learning. Third axis: prediction.
        convention: What counts.
        names: Names of id 0 and of the seen classes.
        base: Labels of the classes of step 0, id 0 not counted.

    Returns:
        As :func:`.summarise`.
    """
    counts = confusion.sum(axis=0) if convention.all_images else confusion[0]
    seen = counts.shape[1]
    future, counts = counts[seen:].sum(axis=0), counts[:seen].copy()
    if convention.future == 'background':
        counts[0] += future
    hits = counts.diagonal()
    union = counts.sum(axis=0) + counts.sum(axis=1) - hits
    with np.errstate(invalid='ignore'):
        iou = dict(zip(names, (100 * hits / union).tolist(), strict=True))
    first = 0 if convention.with_zero else 1
    warn_left_out({name: iou[name] for name in names[first:]}, f'the means of {convention.name}')
    of_zero = [] if first else [names[0]]
    novel = [name for label, name in enumerate(names) if label and label not in base]
    return summarise(iou, [*of_zero, *(names[label] for label in base)], novel)
