# MiB (Cermelli et al., CVPR 2020): unbiased cross entropy and distillation, new classifiers from the
# background's. The weight of the distillation is 10; 100 on VOC 15-1 (the authors' program).
# A config takes it over with decode_head=dict(_base_.method, ...).
method = dict(
    type='MiBHead',
    kd_weight=10.0,
    loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True))
custom_hooks = [dict(type='IncrementalStepHook')]
