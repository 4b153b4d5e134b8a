# What the recipes for VOC and ADE20K share: SGD with momentum 0.9, nesterov and weight decay 1e-4,
# mixed precision, poly with power 0.9, epochs. A schedule built on it adds lr, batch size and length,
# and a warm-up with param_scheduler = [dict(_base_.poly, warm_up=...)].
optim_wrapper = dict(
    # It needs a GPU: without one, --cfg-options optim_wrapper.type=OptimWrapper
    type='AmpOptimWrapper',
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(
        type='SGD', momentum=0.9, nesterov=True, weight_decay=1e-4))
# --cfg-options auto_scale_lr.enable=True scales the lr with the batch (mmengine's linear rule).
auto_scale_lr = dict(enable=False)
# Per iteration, over the whole step: without `end` it ends where train_cfg does.
poly = dict(
    type='WarmUpPolyLR', power=0.9, by_epoch=True, convert_to_iter_based=True)
param_scheduler = [poly]
train_cfg = dict(type='EpochBasedTrainLoop')
log_processor = dict(by_epoch=True)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook', by_epoch=True, interval=5, max_keep_ckpts=1),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'))
