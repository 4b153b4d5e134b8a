# SDR on the embedded demo set: 4 classes, then one at a time (five steps, each half as long as those of
# 4-2).
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/sdr/fashion_4-1.py
_base_ = './fashion_4-2.py'
scenario = dict(name='4-1', num_classes=8)
model = dict(decode_head=dict(scenario=scenario))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
later_steps = _base_.halved
