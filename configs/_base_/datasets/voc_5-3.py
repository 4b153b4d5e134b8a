# PASCAL VOC 2012, 5-3, overlapped: 5 classes, then 3 per step (six steps).
_base_ = './voc12_aug_512.py'
scenario = dict(name='5-3', num_classes=20)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
