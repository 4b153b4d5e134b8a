# Recipe of SSUL for PASCAL VOC 2012, for batches of 32: 50 epochs at every step, lr 1e-2, and 1e-3 for
# the backbone at step 0 (the authors' commands), poly with power 0.9, SGD with momentum 0.9, nesterov,
# weight decay 1e-4, mixed precision.
_base_ = './epochs.py'
optim_wrapper = dict(
    optimizer=dict(lr=1e-2),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))))
auto_scale_lr = dict(base_batch_size=32)
train_cfg = dict(max_epochs=50)
later_steps = dict(
    model=dict(frozen_dropout=True),  # program: dropout stays on in the frozen ASPP
    optim_wrapper=dict(
        paramwise_cfg=dict(
            custom_keys={
                'decode_head.conv_seg.background': dict(lr_mult=1e-4)
            })))
