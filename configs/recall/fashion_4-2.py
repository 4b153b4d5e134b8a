# RECALL on the embedded demo set: 4 classes, then 2, then 2 (three steps).
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/recall/fashion_4-2.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/fashion_4-2.py',
    '../_base_/schedules/fashion_800i.py',
    '../_base_/methods/recall.py',
    '../_base_/incremental_runtime.py',
]
model = dict(decode_head=dict(_base_.method, scenario=_base_.scenario))
# The paper's lr is the same at every step: that of the decoder is 0.05 in later steps as at step 0. With
# the 0.02 of the other methods the new classes were at 0 after 250 of the 500 iterations of 4-2 (seed 0).
later_steps = dict(
    optim_wrapper=dict(
        paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=25.0)))),
    train_dataloader=dict(
        dataset=dict(_base_.retrieved, web_root='data/fashion_web')))
