# Recipe of SDR for PASCAL VOC 2012, for batches of 8: that of mib_voc_30e.py with another batch and
# lr. SDR's README gives the batch, its scripts the lr, 1e-3 at step 0 and 1e-4 later. The paper has
# ten times that; its first author corrects it (issue 1 of https://github.com/LTTM/SDR).
# Needs train_dataloader = dict(batch_size=2), for 4 GPUs, in the config that is built on it.
_base_ = './epochs.py'
optim_wrapper = dict(optimizer=dict(lr=1e-3))
auto_scale_lr = dict(base_batch_size=8)
train_cfg = dict(max_epochs=30)
later_steps = dict(optim_wrapper=dict(optimizer=dict(lr=1e-4)))
