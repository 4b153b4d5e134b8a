# fashion.py with AdamW, as voc_60e_adamw.py has it, at ten times the lr, since the networks start
# from noise.
_base_ = ['./fashion_dkd.py', './adamw.py']
optim_wrapper = dict(
    optimizer=dict(_delete_=True, **dict(_base_.adamw, lr=6e-4)),
    paramwise_cfg=dict(custom_keys=dict(_delete_=True, **_base_.adamw_keys)))
later_steps = dict(
    optim_wrapper=dict(
        optimizer=dict(lr=6e-5),
        paramwise_cfg=dict(
            custom_keys={
                '_delete_': True,
                'backbone': dict(decay_mult=0.0),
                'head': dict(decay_mult=0.0),
                'head.conv_seg.steps.{step}': dict(lr_mult=10.0)
            })),
    model=dict(freeze_dropout=True))
