# MSRC-21: all 21 classes at once, in one step.
_base_ = './msrc.py'
scenario = dict(name='joint', num_classes=21, has_background=False)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
