# ADE20K, 100-50, overlapped, on the network of the DKD authors. A config built on it adds a
# schedule, a method and model = dict(decode_head=_base_.method).
_base_ = ['./official_512.py', '../datasets/ade20k_512.py']
scenario = dict(name='100-50', num_classes=150, has_background=False)
model = dict(decode_head=dict(num_classes=150, scenario=scenario))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
