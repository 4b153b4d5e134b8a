# SDR on ADE20K, 100-10, overlapped: 100 classes, then 10 at a time (six steps).
# Needs what configs/dkd/ade_100-50.py needs.
#   tools/dist_train.sh configs/sdr/ade_100-10.py 4
_base_ = './ade_100-50.py'
scenario = dict(name='100-10', num_classes=150, has_background=False)
model = dict(decode_head=dict(scenario=scenario))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
