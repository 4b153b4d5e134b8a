# dkd_ade_100e.py for transformers: AdamW of mmseg's SegFormer and Swin recipes; epochs, warm-up, poly
# and later steps at a tenth of the lr are DKD's. Why later steps freeze what they do:
# dkd_voc_60e_adamw.py.
_base_ = ['./epochs.py', './adamw.py']
optim_wrapper = dict(
    optimizer=dict(_delete_=True, **_base_.adamw),
    paramwise_cfg=dict(custom_keys=_base_.adamw_keys))
auto_scale_lr = dict(base_batch_size=24)
param_scheduler = [dict(_base_.poly, warm_up=0.2, start_factor=1e-3)]
train_cfg = dict(max_epochs=100)
later_steps = dict(
    optim_wrapper=dict(
        optimizer=dict(lr=6e-6),
        paramwise_cfg=dict(
            custom_keys={
                'backbone': dict(decay_mult=0.0),
                'head': dict(decay_mult=0.0),
                'head.conv_seg.steps.{step}': dict(lr_mult=10.0)
            })),
    model=dict(freeze_norm=True, freeze_dropout=True))
# --cfg-options preset=paper. Paper: one lr for all. AdamW and its weight decay are neither the
# paper's nor the program's: they stay.
presets = dict(
    paper=dict(
        optim_wrapper=dict(
            type='OptimWrapper',
            paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=1.0)))),
        model=dict(),
        # "Following SSUL", whose program warms up for 10 %.
        param_scheduler=[dict(_base_.poly, warm_up=0.1, start_factor=1e-3)],
        later_steps=dict(
            optim_wrapper=dict(paramwise_cfg=dict(_delete_=True)),
            model=dict(freeze_norm=False, freeze_dropout=False))))
