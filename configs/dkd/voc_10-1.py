# DKD on PASCAL VOC 2012, 10-1, overlapped: 10 classes, then one at a time (eleven steps).
# Needs what voc_15-5.py needs.
#   tools/dist_train.sh configs/dkd/voc_10-1.py 4
_base_ = './voc_15-5.py'
scenario = dict(name='10-1', num_classes=20)
model = dict(decode_head=dict(scenario=scenario))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
