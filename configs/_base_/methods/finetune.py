# Fine-tuning: cross entropy and nothing else.
# A config takes it over with decode_head=dict(_base_.method, ...).
method = dict(
    type='SoftmaxHead',
    loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True))
custom_hooks = [dict(type='IncrementalStepHook')]
