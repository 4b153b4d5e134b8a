"""How much of what was learned is lost at the end."""

from collections.abc import Mapping, Sequence


def forgetting_of(steps: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Forgetting of every class that was learned before the last step.

    ``f_c = max over the steps t < T of IoU_c(t) - IoU_c(T)``, with the last step T and the steps t
    since class c was learned: Eq. 3 of Chaudhry et al., Riemannian Walk for Incremental Learning
    (ECCV 2018), with the IoU of a class for the accuracy of a task. Below 0 where the last step
    made a class better than it ever was.

    Args:
        steps: For every step, class name to IoU in percent, None where the class occurs nowhere.
            A class is there from the step on that learns it. Leave background out: its ground truth
            loses pixels at every step.

    Returns:
        Class name to points of IoU, in the order of learning; None where the class occurs nowhere
        at the last step, or at no step before it.
    """
    if len(steps) < 2:
        return {}
    *before, last = steps
    lost: dict[str, float | None] = {}
    for name in before[-1]:
        known = [value for iou in before if (value := iou.get(name)) is not None]
        left = last[name]
        lost[name] = max(known) - left if known and left is not None else None
    return lost


def mean_forgetting(lost: Mapping[str, float | None]) -> float | None:
    """Mean over the classes (Chaudhry et al.'s F, with classes for tasks); None without any."""
    known = [value for value in lost.values() if value is not None]
    return sum(known) / len(known) if known else None
