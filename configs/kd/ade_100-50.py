# mBCE + KD on ADE20K, 100-50, overlapped: the first row of Table 3, without DKD, new classifiers at
# random. The auxiliary classifier is trained beside and not used: step 0 is the same in every row.
# Needs what configs/dkd/ade_100-50.py needs.
#   tools/dist_train.sh configs/kd/ade_100-50.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/ade_100-50.py',
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
        loss_dkd=None))
