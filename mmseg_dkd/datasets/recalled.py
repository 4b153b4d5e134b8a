"""The images of a replay memory, found again in a data set."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..scenario import Scenario
from .memory import SEEN, TRAINED, read_memory


class Recalled(NamedTuple):
    """An image of the memory.

    ``row``: its place in the data set. ``table``: uint8 ``[256]``, what each label of the data
    set becomes. ``steps``: the earlier steps whose classes are labelled.
    """

    row: int
    table: np.ndarray
    steps: tuple[int, ...]


def recall(
    memory: dict | None,
    scenario: Scenario,
    step: int,
    files: Sequence[tuple[str, str]],
    table: Callable[[Sequence[int]], np.ndarray],
) -> list[Recalled]:
    """The images of the memory of a step.

    Args:
        memory: ``file``, that of the step, and ``labels`` (:func:`.memory_options`); None for no
            memory.
        scenario: The scenario.
        step: The step.
        files: Paths of image and mask of every image of the data set.
        table: Gives the label table that keeps the labels of some class ids.

    Raises:
        ValueError: As :func:`.read_memory`, and if an image is not in the data set with its mask.
    """
    if memory is None:
        return []
    file, labels = memory['file'], memory.get('labels', TRAINED)
    rows: dict[str, dict[str, int]] = {}
    for row, (image, mask) in enumerate(files):
        rows.setdefault(image, {})[mask] = row
    recalled = []
    for drawn in read_memory(file, scenario, step).drawn:
        masks = rows.get(drawn.image, {})
        if drawn.mask is None and len(masks) == 1:
            # Of version 0.1.
            (row,) = masks.values()
        elif drawn.mask in masks:
            row = masks[drawn.mask]
        else:
            raise ValueError(
                f'{file}: {drawn.image} with its mask {drawn.mask} is not in the data set: bring '
                f'it back, or train step {step} again without --resume'
            )
        steps = tuple(range(step)) if labels == SEEN else drawn.steps
        kept = [c for s in (*steps, step) for c in scenario.new(s)]
        recalled.append(Recalled(row, table(kept).astype(np.uint8), steps))
    return recalled


def masks_of_two_meanings(files: Sequence[tuple[str, str]], infos: Sequence[dict]) -> list[str]:
    """What a memory could not tell apart: masks that a data set reads twice for one image, with
    other labels. In words; one of them is named.

    Args:
        files: Paths of image and mask of every image.
        infos: What mmseg's data sets know of each.
    """
    meanings: dict[tuple[str, str], object] = {}
    for (image, mask), info in zip(files, infos, strict=True):
        meaning = info.get('label_map'), info.get('reduce_zero_label')
        if meanings.setdefault((image, mask), meaning) != meaning:
            return [
                f'{mask} is read twice for {image}, with other labels, and a replay memory could '
                'not tell which ones: let one data set read it, whose labels name all its classes'
            ]
    return []
