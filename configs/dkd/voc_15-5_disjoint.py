# DKD on PASCAL VOC 2012, 15-5, disjoint: 15 classes, then 5 (two steps), without
# the images that show a class still to come. Needs what voc_15-5.py needs.
#   tools/dist_train.sh configs/dkd/voc_15-5_disjoint.py 4
_base_ = './voc_15-5.py'
scenario = dict(name='15-5', num_classes=20, setting='disjoint')
model = dict(decode_head=dict(scenario=scenario))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
