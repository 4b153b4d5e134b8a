# RCIL (Zhang et al., CVPR 2022): MiB's losses, pooled cube distillation, and two branches, one of them
# frozen, in place of every 3x3 convolution and every branch of the ASPP. The weights are those of the
# authors' program on VOC.
# A config takes it over with decode_head=dict(_base_.method, ...) and
# later_steps=dict(model=_base_.later_model).
method = dict(
    type='RCILHead',
    kd_weight=100.0,
    pckd_weight=0.01,
    pckd_last_weight=5e-4,
    kernels=(4, 8, 12, 16, 20, 24),
    loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True))
# The authors' network has no dropout: with it on, the student's feature would differ from the
# teacher's by chance alone.
later_model = dict(freeze_dropout=True)
custom_hooks = [dict(type='IncrementalStepHook')]
