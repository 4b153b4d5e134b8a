# SSUL on ADE20K, 100-50, overlapped: 100 classes, then 50 (two steps). The network of the SSUL
# authors. Needs what configs/dkd/ade_100-50.py needs. As in the paper every pixel without a label is
# unknown. Crop and epoch as in voc_15-5.py. For 4 GPUs; batch_size is per GPU.
#   tools/dist_train.sh configs/ssul/ade_100-50.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/ade_100-50.py',
    '../_base_/schedules/ssul_ade_100e.py',
    '../_base_/methods/ssul_unlabelled.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(
        _base_.method,
        num_classes=150,
        scenario=_base_.scenario,
        base_type='ProjectedASPPHead',
        resized='logits'))
later_steps = dict(model=_base_.later_model)
