# RECALL on the embedded demo set: 4 classes, then 2, then 2 (three steps).
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/recall/fashion_4-2.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/fashion.py', '../_base_/schedules/fashion.py',
    '../_base_/methods/recall.py', '../_base_/default_runtime.py'
]
scenario = dict(name='4-2', num_classes=8)
model = dict(decode_head=dict(scenario=scenario, **_base_.method))
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
later_steps = dict(
    train_dataloader=dict(
        dataset=dict(
            type='RetrievedReplay', web_root='data/fashion_web', share=0.5)))
tta_model = dict(type='IncrementalTTAModel')
randomness = dict(seed=0)
