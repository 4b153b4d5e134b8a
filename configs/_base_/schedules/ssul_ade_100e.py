# Recipe of SSUL for ADE20K, for batches of 24: that of ssul_voc_50e.py with 100 epochs at every step,
# lr 5e-2 in later steps, and a linear warm-up over the first tenth of the iterations (the authors'
# commands). As in their program the poly begins with the first iteration, and the warm-up is a factor
# on it.
_base_ = './epochs.py'
optim_wrapper = dict(
    optimizer=dict(lr=1e-2),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))))
auto_scale_lr = dict(base_batch_size=24)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-3,
        begin=0,
        end=10,
        by_epoch=True,
        convert_to_iter_based=True),
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=0,
        begin=0,
        end=100,
        by_epoch=True,
        convert_to_iter_based=True)
]
train_cfg = dict(max_epochs=100)
later_steps = dict(
    optim_wrapper=dict(
        optimizer=dict(lr=5e-2),
        paramwise_cfg=dict(
            custom_keys={
                'decode_head.conv_seg.background': dict(lr_mult=1e-4)
            })))
