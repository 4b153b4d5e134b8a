# SDR (Michieli and Zanuttigh, CVPR 2021): MiB's losses, prototypes' matching, attraction, repulsion
# and sparsity of the encoder's features. All weights and the random start of new classifiers are
# those of the authors' program. Weights to try: KD from 1 to 100, matching from 1e-3 to 1e-1,
# contrastive from 1e-3 to 1e-2, sparsity from 1e-5 to 1e-3.
# A config takes it over with decode_head=dict(_base_.method, ...).
method = dict(
    type='SDRHead',
    init='random',
    kd_weight=100.0,
    matching_weight=0.01,
    contrastive_weight=1e-3,
    sparsity_weight=1e-3,
    loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True))
custom_hooks = [dict(type='IncrementalStepHook')]
