# The demo set, 4-2: 4 classes, then 2 per step (three steps).
_base_ = './fashion.py'
scenario = dict(name='4-2', num_classes=8)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
