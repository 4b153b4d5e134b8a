# DKD on photographs of animals (six classes of PASCAL VOC 2012), 3-1, overlapped: 3 classes, then
# one at a time (four steps), on EfficientNet-Lite2 with the schedule of the paper. Needs a GPU,
# what docs/photographs.md says, and the weights that mmseg-dkd prepare-backbone efficientnet_lite2
# writes.
#   python tools/incremental_train.py configs/dkd/voc-animals_3-1_lite2-60e.py
_base_ = [
    '../_base_/models/aspp_efficientnet-lite2-d16.py',
    '../_base_/datasets/voc-animals_3-1.py',
    '../_base_/schedules/photos_60e.py',
    '../_base_/methods/dkd_photos.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(_base_.method, num_classes=21, scenario=_base_.scenario))
train_dataloader = dict(
    batch_size=32, num_workers=5, sampler=dict(type='DefaultSampler'))
# As in DKD's program, student and teacher of a later step are in the same mode.
later_steps = dict(model=dict(freeze_norm=True, freeze_dropout=True))
