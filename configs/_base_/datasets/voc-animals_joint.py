# Animals of PASCAL VOC 2012: all six classes at once, in one step.
_base_ = './voc_animals.py'
scenario = dict(
    name='joint', num_classes=20, classes=[8, 10, 12, 13, 15, 17])
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
