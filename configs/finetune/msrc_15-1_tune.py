# Fine-tuning (cross entropy and nothing else) on MSRC-21, 15-1, overlapped: 15 classes, then one at a
# time (seven steps). For choosing hyper-parameters: trained on four fifths of the training images,
# tested on the others; the validation images are not looked at. Needs what docs/photographs.md says.
#   python tools/incremental_train.py configs/finetune/msrc_15-1_tune.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/msrc_15-1.py',
    '../_base_/schedules/photos_1500i.py',
    '../_base_/methods/finetune.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=21, scenario=_base_.scenario))
train_dataloader = dict(dataset=dict(part='fit'))
test_dataloader = dict(
    dataset=dict(
        part='held',
        dataset=dict(_delete_=True, **_base_.train_dataloader.dataset.dataset)))
