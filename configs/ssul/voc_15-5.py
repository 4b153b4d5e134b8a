# SSUL on PASCAL VOC 2012, 15-5, overlapped: 15 classes, then 5 (two steps). The network of the SSUL
# authors. Needs what configs/dkd/voc_15-5.py needs, and a saliency map of every training image in
# data/VOCdevkit/VOC2012/saliency_map. Without maps (every pixel without a label is unknown):
# --cfg-options model.decode_head.unknown=unlabelled train_dataloader.dataset.pipeline=None
# The crop is that of the DKD authors' data (512), not SSUL's (513). The last epoch counts. For 4 GPUs;
# batch_size is per GPU.
#   tools/dist_train.sh configs/ssul/voc_15-5.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/voc_15-5.py',
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
