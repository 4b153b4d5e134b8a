# Schedule of the demo, and what DKD needs beside it in later steps.
_base_ = './fashion_800i.py'
later_steps = dict(
    model=dict(
        freeze_norm=True,
        decode_head=dict(loss_decode=dict(pos_weight=6.0))))
