# SDR on the embedded demo set: 4 classes, then 2, then 2 (three steps).
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/sdr/fashion_4-2.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/fashion.py', '../_base_/schedules/fashion.py',
    '../_base_/methods/sdr.py', '../_base_/default_runtime.py'
]
scenario = dict(name='4-2', num_classes=8)
model = dict(decode_head=dict(scenario=scenario, **_base_.method))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
tta_model = dict(type='IncrementalTTAModel')
randomness = dict(seed=0)
