# dkd_voc_60e.py for transformers: AdamW and warm-up of mmseg's SegFormer and Swin recipes; epochs,
# poly, gamma and later steps at a tenth of the lr are DKD's.
#
# What dkd_voc_60e.py does in later steps holds for transformers as well:
# * Weight decay on the new classifiers only: AdamW shrinks a weight whatever the losses say, and
#   would wear off what the old classes need.
# * freeze_norm: BatchNorm, which only the heads have, must not take over the statistics of images of
#   the new classes alone. LayerNorm has no statistics to lose; its affine parameters are trained on,
#   like any weight of the backbone, and KD holds them.
# * freeze_dropout: with drop path on, the student would differ from a teacher of the same weights,
#   and KD would pull at it without a cause. Off, KD and DKD start with a gradient of zero.
_base_ = ['./epochs.py', './adamw.py']
optim_wrapper = dict(
    optimizer=dict(_delete_=True, **_base_.adamw),
    paramwise_cfg=dict(custom_keys=_base_.adamw_keys))
auto_scale_lr = dict(base_batch_size=32)
# AdamW starts every step without moments, so every step warms up: for 3 of its 60 epochs, on top of
# DKD's poly. mmseg's 1500 iterations of 16 images are 2.3 epochs of VOC's 10,582 images, but more than
# a whole later step of 15-1 has.
param_scheduler = [dict(_base_.poly, warm_up=0.05, start_factor=1e-6)]
train_cfg = dict(max_epochs=60)
later_steps = dict(
    optim_wrapper=dict(
        optimizer=dict(lr=6e-6),
        paramwise_cfg=dict(
            custom_keys={
                'backbone': dict(decay_mult=0.0),
                'head': dict(decay_mult=0.0),
                'head.conv_seg.steps.{step}': dict(lr_mult=10.0)
            })),
    model=dict(
        freeze_norm=True,
        freeze_dropout=True,
        decode_head=dict(loss_decode=dict(pos_weight=1.0))))
# --cfg-options preset=paper. Paper: one lr for all. AdamW and its weight decay are neither the
# paper's nor the program's: they stay.
presets = dict(
    paper=dict(
        optim_wrapper=dict(
            type='OptimWrapper',
            paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=1.0)))),
        model=dict(),
        later_steps=dict(
            optim_wrapper=dict(paramwise_cfg=dict(_delete_=True)),
            model=dict(freeze_norm=False, freeze_dropout=False))))
