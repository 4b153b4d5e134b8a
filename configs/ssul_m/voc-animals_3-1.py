# SSUL-M (SSUL without saliency maps, with a replay memory of 50 images) on photographs of animals (six
# classes of PASCAL VOC 2012), 3-1, overlapped: 3 classes, then one at a time (four steps). Needs what
# docs/photographs.md says.
#   python tools/incremental_train.py configs/ssul_m/voc-animals_3-1.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/voc-animals_3-1.py',
    '../_base_/schedules/ssul_photos_1500i.py',
    '../_base_/methods/ssul_unlabelled.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=21, scenario=_base_.scenario))
later_steps = dict(model=_base_.later_model)
memory = dict(size=50, share=0.5, labels='seen')
