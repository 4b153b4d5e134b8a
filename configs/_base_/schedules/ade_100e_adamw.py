# ade_100e.py for transformers: AdamW of mmseg's SegFormer and Swin recipes; epochs, warm-up, poly and
# later steps at a tenth of the lr are DKD's. Why later steps freeze what they do: voc_60e_adamw.py.
_base_ = ['./ade_100e.py', './adamw.py']
optim_wrapper = dict(
    optimizer=dict(_delete_=True, **_base_.adamw),
    paramwise_cfg=dict(custom_keys=_base_.adamw_keys))
later_steps = dict(optim_wrapper=dict(optimizer=dict(lr=6e-6)))
# Paper: one lr for all. AdamW and its weight decay are neither the paper's nor the program's: they
# stay.
presets = dict(
    paper=dict(
        optim_wrapper=dict(
            _delete_=True,
            type='OptimWrapper',
            paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=1.0)))),
        model=dict(_delete_=True)))
