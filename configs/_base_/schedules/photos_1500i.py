# Schedule of the photographs (voc-animals_*, msrc_*), the same for every method. It was chosen on
# held-out training images with fine-tuning and mBCE + KD alone (docs/photographs.md).
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(
        type='SGD', lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-4),
    # A guard, and for the norm in the log; the paper does not clip.
    clip_grad=dict(max_norm=1000, norm_type=2),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=5.0))))
# It ends with the step, which is mmengine's default.
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=0, begin=0, by_epoch=False)
]
train_cfg = dict(
    type='IterBasedTrainLoop', max_iters=1500, val_interval=10000)
log_processor = dict(by_epoch=False)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook', by_epoch=False, interval=250, max_keep_ckpts=1),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'))
later_steps = dict(
    # Without warm-up, DKD's gradients of the first 52 iterations were up to 14 times their median.
    param_scheduler=[
        dict(
            type='WarmUpPolyLR',
            power=0.9,
            by_epoch=False,
            warm_up=0.2,
            start_factor=1e-3)
    ],
    optim_wrapper=dict(
        optimizer=dict(lr=2e-4),
        # As in DKD's program: ten times the lr and weight decay for the new classifiers alone.
        paramwise_cfg=dict(
            _delete_=True,
            custom_keys={
                'backbone': dict(decay_mult=0.0),
                'head': dict(decay_mult=0.0),
                'head.conv_seg.steps.{step}': dict(lr_mult=10.0)
            })),
    train_cfg=dict(max_iters=600))
