# The photographs' schedule for a GPU, and what DKD needs beside it: as in its program, student and
# teacher of a later step are in the same mode.
_base_ = './photos_60e.py'
later_steps = dict(model=dict(freeze_norm=True, freeze_dropout=True))
