# RCIL on ADE20K, 100-50, overlapped: 100 classes, then 50 (two steps). The network of the DKD
# authors. Needs what configs/dkd/ade_100-50.py needs. For 4 GPUs; batch_size is per GPU.
#   tools/dist_train.sh configs/rcil/ade_100-50.py 4
_base_ = [
    '../_base_/tasks/ade_100-50.py', '../_base_/schedules/ade_60e.py',
    '../_base_/methods/rcil.py'
]
model = dict(
    decode_head=dict(_base_.method, pckd_weight=5e-6, pckd_last_weight=5e-7))
train_dataloader = dict(batch_size=6)
# The paper's network has no dropout: with it on, the student's feature would differ from the teacher's by
# chance alone.
later_steps = dict(model=dict(freeze_dropout=True))
