# RECALL on PASCAL VOC 2012, 19-1, disjoint: 19 classes, then 1 (two steps), without
# the images that show a class still to come. Needs what configs/recall/voc_19-1.py needs.
#   python tools/incremental_train.py configs/recall/voc_19-1_disjoint.py
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/voc_19-1_disjoint.py',
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
# 19 classes at step 0, 1 later.
param_scheduler = [dict(_base_.poly, end=30001)]
train_cfg = dict(max_iters=28500)
later_steps = dict(
    param_scheduler=[dict(_base_.poly, end=1500)],
    train_cfg=dict(max_iters=1500),
    train_dataloader=dict(dataset=_base_.retrieved))
