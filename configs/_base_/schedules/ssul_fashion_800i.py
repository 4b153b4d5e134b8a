# Schedule of the demo, and what SSUL needs beside it: its background learns 1e-4 as fast as the new
# classes, which have ten times the lr.
_base_ = './fashion_800i.py'
later_steps = dict(
    optim_wrapper=dict(
        paramwise_cfg=dict(
            custom_keys={
                'decode_head.conv_seg.background': dict(lr_mult=1e-3)
            })))
