# Recipe of MiB, PLOP and fine-tuning for PASCAL VOC 2012, for batches of 24 (MiB, section 4.1: 30
# epochs, lr 1e-2 at step 0 and 1e-3 later, SGD with momentum 0.9, weight decay 1e-4, poly with power
# 0.9; nesterov as in MiB's program; mixed precision).
# Needs train_dataloader = dict(batch_size=6), for 4 GPUs, in the config that is built on it.
_base_ = './epochs.py'
optim_wrapper = dict(optimizer=dict(lr=1e-2))
auto_scale_lr = dict(base_batch_size=24)
train_cfg = dict(max_epochs=30)
later_steps = dict(optim_wrapper=dict(optimizer=dict(lr=1e-3)))
