# mBCE, KD and DKD on the embedded demo set, 4-1: the second row of Table 3, new classifiers at
# random. The auxiliary classifier is trained beside and not used: step 0 is the same in every row.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/kd_dkd/fashion_4-1.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/fashion_4-1.py',
    '../_base_/schedules/dkd_fashion_800i.py',
    '../_base_/methods/dkd_fashion.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, scenario=_base_.scenario, init='random'))
later_steps = dict(train_cfg=dict(max_iters=250))
