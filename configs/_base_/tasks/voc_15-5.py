# PASCAL VOC 2012, 15-5, overlapped, on the network of the DKD authors. A config built on it adds a
# schedule, a method and model = dict(decode_head=_base_.method).
_base_ = ['./official_512.py', '../datasets/voc12_aug_512.py']
scenario = dict(name='15-5', num_classes=20)
model = dict(decode_head=dict(num_classes=21, scenario=scenario))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
