# Recipe of RCIL for PASCAL VOC 2012, for batches of 24: that of mib_voc_30e.py with an lr of 2e-2 at
# step 0 (the authors' program).
# Needs train_dataloader = dict(batch_size=6), for 4 GPUs, in the config that is built on it.
_base_ = './epochs.py'
optim_wrapper = dict(optimizer=dict(lr=2e-2))
auto_scale_lr = dict(base_batch_size=24)
train_cfg = dict(max_epochs=30)
later_steps = dict(optim_wrapper=dict(optimizer=dict(lr=1e-3)))
