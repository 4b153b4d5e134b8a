# mBCE + KD on PASCAL VOC 2012, 15-1, overlapped: the first row of Table 3, without DKD, new
# classifiers at random. The auxiliary classifier is trained beside and not used: step 0 is the same
# in every row. Needs what configs/dkd/voc_15-5.py needs.
#   tools/dist_train.sh configs/kd/voc_15-1.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/voc_15-1.py',
    '../_base_/schedules/dkd_voc_60e.py',
    '../_base_/methods/dkd.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(
        _base_.method,
        num_classes=21,
        scenario=_base_.scenario,
        init='random',
        loss_dkd=None))
