# DKD on the demo set, with a record of how much its reasoning changes.
_base_ = './dkd.py'
custom_hooks = [
    dict(type='IncrementalStepHook'),
    dict(type='ReasoningChangeHook', interval=10)
]
