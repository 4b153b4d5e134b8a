# Recipe of SSUL for ADE20K, for batches of 24: that of ssul_voc_50e.py with 100 epochs at every step,
# lr 5e-2 in later steps, and a linear warm-up over the first tenth of the iterations, which multiplies
# the poly (the authors' commands).
_base_ = './epochs.py'
optim_wrapper = dict(
    optimizer=dict(lr=1e-2),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))))
auto_scale_lr = dict(base_batch_size=24)
param_scheduler = [dict(_base_.poly, warm_up=0.1, start_factor=1e-3)]
train_cfg = dict(max_epochs=100)
later_steps = dict(
    model=dict(frozen_dropout=True),  # program: dropout stays on in the frozen ASPP
    optim_wrapper=dict(
        optimizer=dict(lr=5e-2),
        paramwise_cfg=dict(
            custom_keys={
                'decode_head.conv_seg.background': dict(lr_mult=1e-4)
            })))
