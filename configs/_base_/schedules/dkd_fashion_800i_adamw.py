# dkd_fashion_800i.py with AdamW, as dkd_voc_60e_adamw.py has it, at ten times the lr, since the
# networks start from noise.
_base_ = ['./fashion_800i.py', './adamw.py']
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
    model=dict(
        freeze_norm=True,
        freeze_dropout=True,
        decode_head=dict(loss_decode=dict(pos_weight=6.0))))
