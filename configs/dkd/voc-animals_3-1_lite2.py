# DKD on photographs of animals (six classes of PASCAL VOC 2012), 3-1, overlapped: 3 classes, then one
# at a time (four steps), on EfficientNet-Lite2. Needs what docs/photographs.md says, and the weights
# that mmseg-dkd prepare-backbone efficientnet_lite2 writes.
#   python tools/incremental_train.py configs/dkd/voc-animals_3-1_lite2.py
_base_ = [
    '../_base_/models/aspp_efficientnet-lite2-d16.py',
    '../_base_/datasets/voc-animals_3-1.py',
    '../_base_/schedules/dkd_photos_1500i.py',
    '../_base_/methods/dkd_photos.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=dict(_base_.method, num_classes=21, scenario=_base_.scenario))
