# DKD's recipe for ADE20K, for batches of 24. "Paper" is its section 4.1; "program" is what the
# authors' released program does and the paper leaves out.
_base_ = './epochs.py'
optim_wrapper = dict(
    # Program: mixed precision; the loss scale is dynamic by default.
    # Paper: SGD, momentum 0.9, lr 2.5e-3 at step 0. Program: nesterov, weight decay 1e-4.
    optimizer=dict(lr=2.5e-3),
    # Program: ten times the lr for everything behind the backbone, decode_head and auxiliary_head.
    paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.0))))
auto_scale_lr = dict(base_batch_size=24)
# Paper: poly with a linear warm-up "following SSUL", whose program warms up for 10 % of the
# iterations. Program: for 20 %, from 1e-3 of the lr; poly runs from the first iteration on, with
# power 0.9, and the warm-up multiplies it.
param_scheduler = [dict(_base_.poly, warm_up=0.2, start_factor=1e-3)]
# Paper: 100 epochs at every step.
train_cfg = dict(max_epochs=100)
later_steps = dict(
    optim_wrapper=dict(
        optimizer=dict(lr=2.5e-4),  # paper
        # Program: weight decay on the new classifiers only.
        paramwise_cfg=dict(
            custom_keys={
                'backbone': dict(decay_mult=0.0),
                'head': dict(decay_mult=0.0),
                'head.conv_seg.steps.{step}': dict(lr_mult=10.0)
            })),
    model=dict(
        freeze_norm=True,  # program: BatchNorm in eval mode, its affine not trained
        freeze_dropout=True))  # program
# --cfg-options preset=paper: the paper alone, without what only the program does.
presets = dict(
    paper=dict(
        optim_wrapper=dict(
            type='OptimWrapper',
            optimizer=dict(nesterov=False, weight_decay=0.0),
            paramwise_cfg=dict(_delete_=True)),
        model=dict(backbone=dict(norm_cfg=dict(momentum=0.1))),
        # "Following SSUL", whose program warms up for 10 %.
        param_scheduler=[dict(_base_.poly, warm_up=0.1, start_factor=1e-3)],
        later_steps=dict(
            optim_wrapper=dict(paramwise_cfg=dict(_delete_=True)),
            model=dict(freeze_norm=False, freeze_dropout=False))))
