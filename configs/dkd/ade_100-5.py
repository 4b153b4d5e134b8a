# DKD on ADE20K, 100-5, overlapped: 100 classes, then 5 at a time (eleven steps).
# Needs what ade_100-50.py needs.
#   tools/dist_train.sh configs/dkd/ade_100-5.py 4
_base_ = './ade_100-50.py'
scenario = dict(name='100-5', num_classes=150, has_background=False)
model = dict(decode_head=dict(scenario=scenario))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
