# DKD on PASCAL VOC 2012, 19-1, disjoint: 19 classes, then 1 (two steps), without
# the images that show a class still to come. Needs what voc_15-5.py needs.
#   tools/dist_train.sh configs/dkd/voc_19-1_disjoint.py 4
_base_ = './voc_15-5.py'
scenario = dict(name='19-1', num_classes=20, setting='disjoint')
model = dict(decode_head=dict(scenario=scenario))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
