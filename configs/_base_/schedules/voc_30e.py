# Recipe of MiB, PLOP, SDR and RCIL for PASCAL VOC 2012, for batches of 24 (MiB, section 4.1: 30 epochs, lr
# 1e-2 at step 0 and 1e-3 later, SGD with momentum 0.9, weight decay 1e-4, poly with power 0.9; nesterov
# and mixed precision as in MiB's program).
# Needs log_processor = dict(by_epoch=True) and train_dataloader = dict(batch_size=6), for 4 GPUs, in
# the config that is built on it.
optim_wrapper = dict(
    # It needs a GPU: without one, --cfg-options optim_wrapper.type=OptimWrapper
    type='AmpOptimWrapper',
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(
        type='SGD', lr=1e-2, momentum=0.9, nesterov=True, weight_decay=1e-4))
# --cfg-options auto_scale_lr.enable=True scales the lr with the batch (mmengine's linear rule).
auto_scale_lr = dict(enable=False, base_batch_size=24)
param_scheduler = [
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=0,
        begin=0,
        end=30,
        by_epoch=True,
        convert_to_iter_based=True)
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=30)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook', by_epoch=True, interval=5, max_keep_ckpts=1),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'))
later_steps = dict(optim_wrapper=dict(optimizer=dict(lr=1e-3)))
