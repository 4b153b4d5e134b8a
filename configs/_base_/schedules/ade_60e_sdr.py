# ade_60e.py for batches of 4, as SDR trains: batch and lr, 1e-2 at step 0 and 1e-3 later, as its README
# gives them (https://github.com/LTTM/SDR).
# Needs train_dataloader = dict(batch_size=1), for 4 GPUs, in the config that is built on it. One image
# alone is too little for BatchNorm: on fewer GPUs, more images on each.
_base_ = './ade_60e.py'
auto_scale_lr = dict(base_batch_size=4)
