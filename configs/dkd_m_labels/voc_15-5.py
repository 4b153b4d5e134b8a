# DKD-M on PASCAL VOC 2012, 15-5, overlapped, that also learns from the labels of old classes in the
# memory: Eq. 3 for the classes of the steps that trained on an image, with the gamma of later steps.
# Needs what configs/dkd/voc_15-5.py needs.
#   tools/dist_train.sh configs/dkd_m_labels/voc_15-5.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/voc_15-5.py',
    '../_base_/schedules/dkd_voc_60e.py',
    '../_base_/methods/dkd.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(
        _base_.method,
        num_classes=21,
        scenario=_base_.scenario,
        loss_replay=dict(type='ReplayLoss')))
memory = dict(size=100)
