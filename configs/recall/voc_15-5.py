# RECALL on PASCAL VOC 2012, 15-5, overlapped: 15 classes, then 5 (two steps). The network of the DKD
# authors; the statistics of the encoder's BatchNorm stay as pretrained.
# Needs what configs/dkd/voc_15-5.py needs, and images of the first 15 classes, without labels, in
# data/recall/<class name>/, such as data/recall/aeroplane/. For one GPU.
#   python tools/incremental_train.py configs/recall/voc_15-5.py
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/voc_15-5.py',
    '../_base_/schedules/recall_voc_1500i.py',
    '../_base_/methods/recall.py',
    '../_base_/incremental_runtime.py',
]
data_preprocessor = dict(size=(321, 321))
model = dict(
    data_preprocessor=data_preprocessor,
    backbone=dict(norm_eval=True),
    decode_head=dict(
        _base_.method, num_classes=21, scenario=_base_.scenario))
train_dataloader = _base_.small_batches
# 15 classes at step 0, 5 later.
param_scheduler = [dict(_base_.poly, end=24001)]
train_cfg = dict(max_iters=22500)
later_steps = dict(
    param_scheduler=[dict(_base_.poly, end=7500)],
    train_cfg=dict(max_iters=7500),
    train_dataloader=dict(dataset=_base_.retrieved))
