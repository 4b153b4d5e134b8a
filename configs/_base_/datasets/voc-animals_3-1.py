# Animals of PASCAL VOC 2012, 3-1, overlapped: 3 classes, then one per step (four steps): cat, cow, dog; horse; person; sheep.
_base_ = './voc_animals.py'
scenario = dict(
    name='3-1', num_classes=20, classes=[8, 10, 12, 13, 15, 17])
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
