# Recipe of RECALL for PASCAL VOC 2012: 1,500 iterations per class with batches of 4, SGD with momentum
# 0.9, weight decay 1e-4, lr from 5e-4 to 5e-6 at every step, poly with power 0.9; 0.4 of it for helper
# decoders. Theirs is for an encoder pretrained on MS COCO.
# Program: the poly of step 0 is as long as if background were a class more, so that the lr ends at
# 4.58e-5 with 15 classes. Of later steps this is not known: there it ends with the step.
# A config says how many iterations its steps have, with train_cfg = dict(max_iters=N) and
# param_scheduler = [dict(_base_.poly, end=N)], and takes over train_dataloader = _base_.small_batches.
# mmengine's poly reaches its end an iteration early: to end at N as in the program, end=N + 1.
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=5e-4, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(
        custom_keys={'decode_head.helpers': dict(lr_mult=0.4)}))
poly = dict(type='PolyLR', power=0.9, eta_min=5e-6, begin=0, by_epoch=False)
# --cfg-options preset=paper: the lr ends at 5e-6 at step 0, too.
presets = dict(paper=dict(param_scheduler=[poly]))
train_cfg = dict(type='IterBasedTrainLoop', val_interval=1000000)
log_processor = dict(by_epoch=False)
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook', by_epoch=False, interval=1500, max_keep_ckpts=1),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'))
# For one GPU. Images are scaled by 0.5 to 1.5; the long side of VOC's is 500.
small_batches = dict(
    batch_size=4,
    sampler=dict(type='InfiniteSampler'),
    dataset=dict(
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(
                type='RandomResize',
                scale=(500, 500),
                ratio_range=(0.5, 1.5),
                keep_ratio=True),
            dict(type='RandomCrop', crop_size=(321, 321)),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackSegInputs')
        ]))
