"""What a label says: the one place that knows how class ids and labels go together.

A mask has the labels of its data set. A step sees them renumbered: 0 for unknown, 1, 2, ... for the
classes in the order of learning, 255 for void.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .scenario import Scenario

# Unknown: background, or a class of another step. In a data set without background: not labelled.
UNKNOWN = 0
# Left out of losses and scores.
VOID = 255
# Labels are bytes.
NUM_VALUES = 256
# Unicode's control characters, separators of lines, and halves of surrogate pairs; then the byte
# order mark, which comes from a list of names.
NO_TEXT = ('Cc', 'Zl', 'Zp', 'Cs')
MARK = '\ufeff'


def num_labels(scenario: 'Scenario') -> int:
    """Number of labels of the data set: its classes, with background where it is one."""
    return scenario.num_classes + scenario.has_background


def class_ids_of_labels(scenario: 'Scenario') -> np.ndarray:
    """Class id of each label of the data set.

    Label c is class id c of a data set with background, and class id c + 1 of one without (ADE20K
    with ``reduce_zero_label``), whose void pixels are "not labelled".

    Returns:
        int ``[256]``: class ids; -1 for a value that is no label; 255 for void.
    """
    ids = np.full(NUM_VALUES, -1)
    ids[: num_labels(scenario)] = np.arange(num_labels(scenario)) + (not scenario.has_background)
    ids[VOID] = VOID if scenario.has_background else UNKNOWN
    return ids


def mask_values(scenario: 'Scenario', step: int, reduced: bool) -> list[int]:
    """What the masks of a data set have for each label that a step sees, unknown first.

    Args:
        scenario: Says what the labels of the data set are.
        step: The step.
        reduced: Whether the data set is read with ``reduce_zero_label``, so that its masks have 0
            for unlabelled pixels and the classes from 1 on.

    Returns:
        0 to 255, one for each label up to the last seen class. Of a data set without background
        that reserves no number for unlabelled pixels, these are void.
    """
    seen = scenario.seen(step)
    if scenario.has_background or reduced:
        return [UNKNOWN, *seen]
    return [VOID, *(class_id - 1 for class_id in seen)]


def label_of(scenario: 'Scenario', class_id: int, step: int) -> int:
    """Label, as a step sees it, of a class: its place in the order of learning, from 1 on."""
    return scenario.seen(step).index(class_id) + 1


def labels_of_step(scenario: 'Scenario', step: int) -> range:
    """Labels, as a step sees them, of the classes that it learns."""
    return range(len(scenario.old(step)) + 1, len(scenario.seen(step)) + 1)


def check_names(names: Sequence[str]) -> None:
    """Refuse names of classes by which they could not be told apart, or written one a line.

    Raises:
        ValueError: If a name is no text, is blank, has a line break or another control character,
            or is there twice.
    """
    for name in names:
        if (
            not isinstance(name, str)
            or not name.strip()
            or any(c == MARK or unicodedata.category(c) in NO_TEXT for c in name)
        ):
            raise ValueError(
                f'{name!r:.100} cannot be the name of a class: write one line of text, without '
                'control characters, in metainfo.classes of the data set'
            )
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(
            f'several classes have the name {twice[0]!r:.100}, but scores are kept by name: give '
            'each its own in metainfo.classes of the data set'
        )
