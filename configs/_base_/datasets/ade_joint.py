# ADE20K, all 150 classes at once, in one step.
_base_ = './ade20k_512.py'
scenario = dict(name='joint', num_classes=150, has_background=False)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
