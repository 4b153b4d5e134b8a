# DKD's recipe for PASCAL VOC 2012, for batches of 32. "Paper" is its section 4.1; "program" is what
# the authors' released program does and the paper leaves out.
_base_ = './epochs.py'
optim_wrapper = dict(
    # Program: mixed precision; the loss scale is dynamic by default.
    # Paper: SGD, momentum 0.9, lr 1e-3 at step 0. Program: nesterov, weight decay 1e-4.
    optimizer=dict(lr=1e-3),
    # Program: ten times the lr for everything behind the backbone, decode_head and auxiliary_head.
    paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.0))))
auto_scale_lr = dict(base_batch_size=32)
# Paper: poly, 60 epochs at every step. Program: power 0.9, per iteration (epochs.py).
train_cfg = dict(max_epochs=60)
later_steps = dict(
    optim_wrapper=dict(
        optimizer=dict(lr=1e-4),  # paper
        # Program: weight decay on the new classifiers only.
        paramwise_cfg=dict(
            custom_keys={
                'backbone': dict(decay_mult=0.0),
                'head': dict(decay_mult=0.0),
                'head.conv_seg.steps.{step}': dict(lr_mult=10.0)
            })),
    model=dict(
        freeze_norm=True,  # program: BatchNorm in eval mode, its affine not trained
        freeze_dropout=True,  # program
        decode_head=dict(loss_decode=dict(pos_weight=1.0))))  # paper: gamma
# --cfg-options preset=paper: the paper alone, without what only the program does.
presets = dict(
    paper=dict(
        optim_wrapper=dict(
            type='OptimWrapper',
            optimizer=dict(nesterov=False, weight_decay=0.0),
            paramwise_cfg=dict(_delete_=True)),
        model=dict(backbone=dict(norm_cfg=dict(momentum=0.1))),
        later_steps=dict(
            optim_wrapper=dict(paramwise_cfg=dict(_delete_=True)),
            model=dict(freeze_norm=False, freeze_dropout=False))))
