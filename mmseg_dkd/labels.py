"""What a label says: the one place that knows the values without a class.

A mask has the labels of its data set. A step sees them renumbered: 0 for unknown, 1, 2, ... for the
classes in the order of learning, 255 for void.
"""

# Unknown: background, or a class of another step. In a data set without background: not labelled.
UNKNOWN = 0
# Left out of losses and figures.
VOID = 255
