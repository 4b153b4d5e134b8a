# PASCAL VOC 2012, 10-1, overlapped: 10 classes, then one per step (eleven steps).
_base_ = './voc12_aug_512.py'
scenario = dict(name='10-1', num_classes=20)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
