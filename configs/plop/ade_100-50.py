# PLOP on ADE20K, 100-50, overlapped: 100 classes, then 50 (two steps). The network of the DKD
# authors. Needs what configs/dkd/ade_100-50.py needs. For 4 GPUs; batch_size is per GPU.
#   tools/dist_train.sh configs/plop/ade_100-50.py 4
_base_ = [
    '../_base_/tasks/ade_100-50.py', '../_base_/schedules/ade_60e.py',
    '../_base_/methods/plop.py'
]
model = dict(
    decode_head=dict(_base_.method, pod_factor=1e-3, pod_logits_factor=1e-5))
train_dataloader = dict(batch_size=6)
later_steps = dict(model=dict(freeze_dropout=True))
