# ADE20K, 100-50, overlapped: 100 classes, then 50 (two steps).
_base_ = './ade20k_512.py'
scenario = dict(name='100-50', num_classes=150, has_background=False)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
