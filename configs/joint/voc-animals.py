# Joint training on photographs of animals (six classes of PASCAL VOC 2012): all six classes at once,
# 2400 iterations. Needs what docs/photographs.md says.
#   python tools/incremental_train.py configs/joint/voc-animals.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/voc-animals_joint.py',
    '../_base_/schedules/dkd_photos_1500i.py',
    '../_base_/methods/dkd_photos.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(
        _base_.method,
        num_classes=21,
        scenario=_base_.scenario,
        init='random',
        loss_kd=None,
        loss_dkd=None,
        loss_aux=None))
train_cfg = dict(max_iters=2400)
