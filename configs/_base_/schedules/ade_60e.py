# voc_30e.py for ADE20K: 60 epochs at every step (MiB, section 4.1).
_base_ = './voc_30e.py'
param_scheduler = [
    dict(
        type='PolyLR',
        power=0.9,
        eta_min=0,
        begin=0,
        end=60,
        by_epoch=True,
        convert_to_iter_based=True)
]
train_cfg = dict(max_epochs=60)
