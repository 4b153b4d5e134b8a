# Recipe of SSUL for PASCAL VOC 2012, for batches of 32: 50 epochs at every step, lr 1e-2, and 1e-3 for
# the backbone at step 0, poly with power 0.9 (the authors' commands and program), SGD with momentum
# 0.9, nesterov, weight decay 1e-4, mixed precision (program).
# Needs log_processor = dict(by_epoch=True) in the config that is built on it.
optim_wrapper = dict(
    # It needs a GPU: without one, --cfg-options optim_wrapper.type=OptimWrapper
    type='AmpOptimWrapper',
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(
        type='SGD', lr=1e-2, momentum=0.9, nesterov=True, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))))
# --cfg-options auto_scale_lr.enable=True scales the lr with the batch (mmengine's linear rule).
auto_scale_lr = dict(enable=False, base_batch_size=32)
param_scheduler = [
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=0,
        begin=0,
        end=50,
        by_epoch=True,
        convert_to_iter_based=True)
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=50)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook', by_epoch=True, interval=5, max_keep_ckpts=1),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'))
later_steps = dict(
    optim_wrapper=dict(
        paramwise_cfg=dict(
            custom_keys={
                'decode_head.conv_seg.background': dict(lr_mult=1e-4)
            })))
