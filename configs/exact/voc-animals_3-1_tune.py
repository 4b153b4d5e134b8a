# Exact (new classifiers beside a model that stays bit for bit) on photographs of animals (six classes of
# PASCAL VOC 2012), 3-1, overlapped: 3 classes, then one at a time (four steps). For choosing
# hyper-parameters: trained on four fifths of the training images, tested on the others; the validation
# images are not looked at. Needs what docs/photographs.md says.
#   python tools/incremental_train.py configs/exact/voc-animals_3-1_tune.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/voc-animals_3-1.py',
    '../_base_/schedules/photos_1500i.py',
    '../_base_/methods/exact.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=21, scenario=_base_.scenario))
later_steps = dict(
    optim_wrapper=_base_.later_optim, train_cfg=dict(max_iters=400))
train_dataloader = dict(dataset=dict(part='fit'))
test_dataloader = dict(
    dataset=dict(
        part='held',
        dataset=dict(_delete_=True, **_base_.train_dataloader.dataset.dataset)))
