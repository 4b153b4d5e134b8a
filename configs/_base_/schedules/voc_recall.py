# Recipe of RECALL for PASCAL VOC 2012 (the authors' program, config/OVERLAPPED.gin): 1,500 iterations a
# class with batches of 4, SGD with momentum 0.9, weight decay 1e-4, lr from 5e-4 to 5e-6 at every step, poly
# with power 0.9; 0.4 of it for helper decoders (2e-4, 1,000 iterations a class, there; here as long as
# the step). Theirs is for an encoder pretrained on MS COCO.
# The numbers of iterations are those of 15-5: a config for others sets its own.
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=5e-4, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(
        custom_keys={'decode_head.helpers': dict(lr_mult=0.4)}))
param_scheduler = [
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=5e-6,
        begin=0,
        end=22500,
        by_epoch=False)
]
train_cfg = dict(
    type='IterBasedTrainLoop', max_iters=22500, val_interval=1000000)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook', by_epoch=False, interval=1500, max_keep_ckpts=1),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'))
later_steps = dict(
    param_scheduler=[
        dict(
            type='PolyLR',
            power=0.9,
            eta_min=5e-6,
            begin=0,
            end=7500,
            by_epoch=False)
    ],
    train_cfg=dict(max_iters=7500))
