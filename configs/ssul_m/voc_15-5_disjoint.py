# SSUL-M on PASCAL VOC 2012, 15-5, disjoint: 15 classes, then 5 (two steps), without
# the images that show a class still to come. Needs what configs/ssul_m/voc_15-5.py needs.
#   tools/dist_train.sh configs/ssul_m/voc_15-5_disjoint.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/voc_15-5_disjoint.py',
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
memory = dict(size=100, share=0.5, labels='seen')
