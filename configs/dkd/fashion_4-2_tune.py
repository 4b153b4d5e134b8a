# DKD on the embedded demo set, for choosing hyper-parameters: trained on four fifths of the training
# scenes, tested on the others, whose products occur nowhere else; the validation scenes are not
# looked at.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/dkd/fashion_4-2_tune.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/fashion_4-2.py',
    '../_base_/schedules/dkd_fashion_800i.py',
    '../_base_/methods/dkd_fashion.py',
    '../_base_/incremental_runtime.py',
]
model = dict(decode_head=dict(_base_.method, scenario=_base_.scenario))
train_dataloader = dict(
    dataset=dict(
        dataset=dict(ann_file='ImageSets/Segmentation/train_fit.txt')))
test_dataloader = dict(
    dataset=dict(
        dataset=dict(ann_file='ImageSets/Segmentation/train_held.txt')))
