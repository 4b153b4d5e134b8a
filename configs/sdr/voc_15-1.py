# SDR on PASCAL VOC 2012, 15-1, overlapped: 15 classes, then one at a time (six steps).
# Needs what configs/dkd/voc_15-5.py needs.
#   tools/dist_train.sh configs/sdr/voc_15-1.py 4
_base_ = './voc_15-5.py'
scenario = dict(name='15-1', num_classes=20)
model = dict(decode_head=dict(scenario=scenario))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
