# Schedule of the photographs, and what DKD needs beside it: as in its program, student and teacher of a
# later step are in the same mode, so that distillation begins with a gradient of zero.
_base_ = './photos_1500i.py'
later_steps = dict(model=dict(freeze_norm=True, freeze_dropout=True))
