# Joint training on ADE20K: all 150 classes at once, with the recipe of step 0, the upper bound of
# Table 2. Needs what configs/dkd/ade_100-50.py needs.
#   tools/dist_train.sh configs/joint/ade_all.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/ade_joint.py',
    '../_base_/schedules/dkd_ade_100e.py',
    '../_base_/methods/dkd_ade.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(
        _base_.method,
        num_classes=150,
        scenario=_base_.scenario,
        init='random',
        loss_kd=None,
        loss_dkd=None,
        loss_aux=None))
