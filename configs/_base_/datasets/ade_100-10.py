# ADE20K, 100-10, overlapped: 100 classes, then 10 per step (six steps).
_base_ = './ade20k_512.py'
scenario = dict(name='100-10', num_classes=150, has_background=False)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
