# Joint training on photographs of animals (six classes of PASCAL VOC 2012): all six classes at
# once, on EfficientNet-Lite2 with the schedule of the paper. Needs a GPU, what docs/photographs.md
# says, and the weights that mmseg-dkd prepare-backbone efficientnet_lite2 writes.
#   python tools/incremental_train.py configs/joint/voc-animals_lite2-60e.py
_base_ = [
    '../_base_/models/aspp_efficientnet-lite2-d16.py',
    '../_base_/datasets/voc-animals_joint.py',
    '../_base_/schedules/photos_60e.py',
    '../_base_/methods/dkd_photos.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(
        _base_.method,
        num_classes=21,
        scenario=_base_.scenario,
        init='random',
        loss_kd=None,
        loss_dkd=None,
        loss_aux=None))
train_dataloader = dict(
    batch_size=32, num_workers=5, sampler=dict(type='DefaultSampler'))
