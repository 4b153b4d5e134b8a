# Recipe of SDR for ADE20K, for batches of 4: that of mib_ade_60e.py with another batch. Batch and lr,
# 1e-2 at step 0 and 1e-3 later, are those of SDR's README (https://github.com/LTTM/SDR).
# Needs train_dataloader = dict(batch_size=1), for 4 GPUs, in the config that is built on it. One
# image alone is too little for BatchNorm: on fewer GPUs, more images on each.
_base_ = './epochs.py'
optim_wrapper = dict(optimizer=dict(lr=1e-2))
auto_scale_lr = dict(base_batch_size=4)
train_cfg = dict(max_epochs=60)
later_steps = dict(optim_wrapper=dict(optimizer=dict(lr=1e-3)))
