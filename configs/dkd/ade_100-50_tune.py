# DKD on ADE20K, 100-50, for choosing hyper-parameters as the paper does (4.1): trained on four fifths
# of the training images, tested on the others; the validation images are not looked at.
# Needs what ade_100-50.py needs.
#   tools/dist_train.sh configs/dkd/ade_100-50_tune.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/ade_100-50.py',
    '../_base_/schedules/dkd_ade_100e.py',
    '../_base_/methods/dkd_ade.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=150, scenario=_base_.scenario))
train_dataloader = dict(dataset=dict(part='fit'))
test_dataloader = dict(
    dataset=dict(
        part='held',
        dataset=dict(
            data_prefix=dict(
                img_path='images/training',
                seg_map_path='annotations/training'))))
