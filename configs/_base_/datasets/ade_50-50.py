# ADE20K, 50-50, overlapped: 50 classes, then 50 per step (three steps).
_base_ = './ade20k_512.py'
scenario = dict(name='50-50', num_classes=150, has_background=False)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
