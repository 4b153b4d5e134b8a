# SSUL-M on ADE20K, 50-50, overlapped: SSUL with a replay memory of 300 images, half of every
# batch on average, with the labels of all classes learned so far.
# Needs what configs/ssul/ade_100-50.py needs.
#   tools/dist_train.sh configs/ssul_m/ade_50-50.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/ade_50-50.py',
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
memory = dict(size=300, share=0.5, labels='seen')
