# RCIL on the embedded demo set: 4 classes, then 2, then 2 (three steps).
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/rcil/fashion_4-2.py
_base_ = [
    '../_base_/tasks/fashion_4-2.py', '../_base_/schedules/fashion.py',
    '../_base_/methods/rcil.py'
]
model = dict(decode_head=_base_.method)
# The paper's network has no dropout: with it on, the student's feature would differ from the teacher's by
# chance alone.
later_steps = dict(model=dict(freeze_dropout=True))
