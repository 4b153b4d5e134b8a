# mBCE + KD and the initialisation on the embedded demo set, 4-2: the third row of Table 3, new
# classifiers from the auxiliary one, without DKD.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/kd_init/fashion_4-2.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/fashion_4-2.py',
    '../_base_/schedules/dkd_fashion_800i.py',
    '../_base_/methods/dkd_fashion.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, scenario=_base_.scenario, loss_dkd=None))
