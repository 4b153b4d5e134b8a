# PASCAL VOC 2012, all 20 classes at once, in one step.
_base_ = './voc12_aug_512.py'
scenario = dict(name='joint', num_classes=20)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
