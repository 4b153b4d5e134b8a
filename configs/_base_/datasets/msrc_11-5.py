# MSRC-21, 11-5, overlapped: 11 classes, then 5 per step (three steps).
_base_ = './msrc.py'
scenario = dict(name='11-5', num_classes=21, has_background=False)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
