# Animals of PASCAL VOC 2012, 2-2, overlapped: 2 classes, then 2 per step (three steps): cat, cow; dog, horse; person, sheep.
_base_ = './voc_animals.py'
scenario = dict(
    name='2-2', num_classes=20, classes=[8, 10, 12, 13, 15, 17])
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
