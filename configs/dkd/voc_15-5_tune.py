# DKD on PASCAL VOC 2012, 15-5, for choosing hyper-parameters as the paper does (4.1): trained on four
# fifths of the training images, tested on the others; the validation images are not looked at.
# Needs what voc_15-5.py needs.
#   tools/dist_train.sh configs/dkd/voc_15-5_tune.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/voc_15-5.py',
    '../_base_/schedules/dkd_voc_60e.py',
    '../_base_/methods/dkd.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=21, scenario=_base_.scenario))
train_dataloader = dict(dataset=dict(part='fit'))
test_dataloader = dict(
    dataset=dict(
        part='held',
        dataset=dict(
            _delete_=True,
            type='ConcatDataset',
            datasets=[
                dict(_base_.dataset_train, pipeline=_base_.test_pipeline),
                dict(_base_.dataset_aug, pipeline=_base_.test_pipeline)
            ])))
