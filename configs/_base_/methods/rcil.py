# RCIL (Zhang et al., CVPR 2022): MiB's losses, pooled cube distillation, and two branches, one of them
# frozen, in place of every 3x3 convolution and every branch of the ASPP. The weights are those of the
# authors' program on VOC; ADE20K has its own (configs/rcil/ade_100-50.py).
# A config takes it over with decode_head=dict(**_base_.method).
method = dict(
    type='RCILHead',
    kd_weight=100.0,
    pckd_weight=0.01,
    pckd_last_weight=5e-4,
    kernels=(4, 8, 12, 16, 20, 24),
    loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True))
custom_hooks = [dict(type='IncrementalStepHook')]
custom_imports = dict(imports=['mmseg_dkd'], allow_failed_imports=False)
