# Exact: new rows of a softmax classifier learn beside a model that stays bit for bit (docs/teach.md).
# A config takes it over with decode_head=dict(_base_.method, ...) and
# later_steps=dict(optim_wrapper=_base_.later_optim).
method = dict(
    type='ExactHead',
    # Of MobileNetV2.
    maps=[24, 32, 96, 320],
    penalty=0.5,
    loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True))
# What learns is a logistic regression, so its rate depends on neither network nor data set. Its own
# penalty is instead of weight decay.
later_optim = dict(
    optimizer=dict(lr=1e-2, weight_decay=0.0), paramwise_cfg=None)
custom_hooks = [dict(type='IncrementalStepHook')]
