# SSUL on PASCAL VOC 2012, 15-1, overlapped: 15 classes, then one at a time (six steps).
# Needs what configs/ssul/voc_15-5.py needs.
#   tools/dist_train.sh configs/ssul/voc_15-1.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/voc_15-1.py',
    '../_base_/schedules/ssul_voc_50e.py',
    '../_base_/methods/ssul.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(
        _base_.method,
        num_classes=21,
        scenario=_base_.scenario,
        base_type='ProjectedASPPHead',
        resized='logits'))
load_image, load_annotations, *geometry = _base_.train_pipeline
train_dataloader = dict(
    dataset=dict(pipeline=[
        load_image, load_annotations, _base_.load_saliency, *geometry
    ]))
later_steps = dict(model=_base_.later_model)
