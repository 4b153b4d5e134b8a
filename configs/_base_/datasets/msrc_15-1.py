# MSRC-21, 15-1, overlapped: 15 classes, then one per step (seven steps).
_base_ = './msrc.py'
scenario = dict(name='15-1', num_classes=21, has_background=False)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
