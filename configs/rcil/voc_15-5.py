# RCIL on PASCAL VOC 2012, 15-5, overlapped: 15 classes, then 5 (two steps). The network of the
# DKD authors. Needs what configs/dkd/voc_15-5.py needs. For 4 GPUs; batch_size is per GPU.
#   tools/dist_train.sh configs/rcil/voc_15-5.py 4
_base_ = [
    '../_base_/tasks/voc_15-5.py', '../_base_/schedules/voc_30e.py',
    '../_base_/methods/rcil.py'
]
model = dict(decode_head=_base_.method)
train_dataloader = dict(batch_size=6)
# The authors' program: 2e-2 at step 0; later steps have the 1e-3 of voc_30e.py.
optim_wrapper = dict(optimizer=dict(lr=2e-2))
# The paper's network has no dropout: with it on, the student's feature would differ from the teacher's by
# chance alone.
later_steps = dict(model=dict(freeze_dropout=True))
