"""What a label says: the one place that knows how class ids and labels go together.

A mask has the labels of its data set. A step sees them renumbered: 0 for unknown, 1, 2, ... for the
classes in the order of learning, 255 for void.
"""

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


def label_of(scenario: 'Scenario', class_id: int) -> int:
    """Label, as a step sees it, of a class: its place in the order of learning, from 1 on."""
    return scenario.order.index(class_id) + 1


def labels_of_step(scenario: 'Scenario', step: int) -> range:
    """Labels, as a step sees them, of the classes that a step learns."""
    return range(len(scenario.old(step)) + 1, len(scenario.seen(step)) + 1)
