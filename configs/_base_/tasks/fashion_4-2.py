# The embedded demo set, 4-2, on the demo's network. A config built on it adds a schedule, a method and
# model = dict(decode_head=_base_.method).
_base_ = [
    '../models/aspp_mobilenetv2-d16.py', '../datasets/fashion.py',
    '../default_runtime.py'
]
scenario = dict(name='4-2', num_classes=8)
model = dict(decode_head=dict(scenario=scenario))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
tta_model = dict(type='IncrementalTTAModel')
randomness = dict(seed=0)
