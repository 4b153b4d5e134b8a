# PLOP (Douillard et al., CVPR 2021): local POD on the stages of the backbone, the feature and the
# logits, pseudo labels of the old model by entropy, MiB's initialisation. Weights of local POD for VOC
# (the authors' scripts).
# A config takes it over with decode_head=dict(_base_.method, ...) and
# later_steps=dict(model=_base_.later_model).
method = dict(
    type='PLOPHead',
    pod_factor=0.01,
    pod_logits_factor=5e-4,
    entropy_floor=1e-3,
    loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True))
# The authors' network has no dropout, and local POD would compare what is dropped with what is not.
later_model = dict(freeze_dropout=True)
custom_hooks = [dict(type='IncrementalStepHook')]
