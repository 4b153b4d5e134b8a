# DKD on PASCAL VOC 2012, 5-3, overlapped: 5 classes, then 3 at a time (six steps).
# Needs what voc_15-5.py needs.
#   tools/dist_train.sh configs/dkd/voc_5-3.py 4
_base_ = './voc_15-5.py'
scenario = dict(name='5-3', num_classes=20)
model = dict(decode_head=dict(scenario=scenario))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
