# Recipe of MiB for ADE20K, and of PLOP, RCIL and RECALL, for batches of 24: that of mib_voc_30e.py
# with 60 epochs at every step (MiB, section 4.1).
_base_ = './epochs.py'
optim_wrapper = dict(optimizer=dict(lr=1e-2))
auto_scale_lr = dict(base_batch_size=24)
train_cfg = dict(max_epochs=60)
later_steps = dict(optim_wrapper=dict(optimizer=dict(lr=1e-3)))
