# Schedule of the photographs for a GPU, the same for every method: that of DKD's paper for PASCAL VOC
# 2012 (section 4.1), for batches of 32. No run of it is on record.
_base_ = './epochs.py'
optim_wrapper = dict(
    optimizer=dict(lr=1e-3),
    paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.0))))
train_cfg = dict(max_epochs=60)
later_steps = dict(optim_wrapper=dict(optimizer=dict(lr=1e-4)))
