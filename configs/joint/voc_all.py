# Joint training on PASCAL VOC 2012: all 20 classes at once, with the recipe of step 0, the upper bound
# of Table 1. Needs what configs/dkd/voc_15-5.py needs.
#   tools/dist_train.sh configs/joint/voc_all.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/voc_joint.py',
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
        loss_kd=None,
        loss_dkd=None,
        loss_aux=None))
