# The demo set, all 8 classes at once, in one step.
_base_ = './fashion.py'
scenario = dict(name='joint', num_classes=8)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
