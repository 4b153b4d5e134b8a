# PASCAL VOC 2012, 19-1, overlapped: 19 classes, then 1 (two steps).
_base_ = './voc12_aug_512.py'
scenario = dict(name='19-1', num_classes=20)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
