# PASCAL VOC 2012, 15-5, disjoint: 15 classes, then 5 (two steps).
_base_ = './voc12_aug_512.py'
scenario = dict(name='15-5', num_classes=20, setting='disjoint')
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
