# SDR on ADE20K, 50-50, overlapped: 50 classes, then 50 at a time (three steps).
# Needs what configs/dkd/ade_100-50.py needs.
#   tools/dist_train.sh configs/sdr/ade_50-50.py 4
_base_ = './ade_100-50.py'
scenario = dict(name='50-50', num_classes=150, has_background=False)
model = dict(decode_head=dict(scenario=scenario))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
