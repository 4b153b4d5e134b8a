# The demo set, 4-1: 4 classes, then one per step (five steps).
_base_ = './fashion.py'
scenario = dict(name='4-1', num_classes=8)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
