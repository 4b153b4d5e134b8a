# The frozen baseline on the embedded demo set, 4-2: backbone, head and old classifiers frozen, only
# new classifiers learn, by mBCE. Reported as competitive by later work (RevisitingCSS). The auxiliary
# classifier is trained in step 0 and not used: step 0 is the same as DKD's.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/frozen/fashion_4-2.py
_base_ = [
    '../_base_/models/aspp_mobilenetv2-d16.py',
    '../_base_/datasets/fashion_4-2.py',
    '../_base_/schedules/dkd_fashion_800i.py',
    '../_base_/methods/dkd_fashion.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(
        _base_.method,
        scenario=_base_.scenario,
        init='random',
        loss_kd=None,
        loss_dkd=None))
later_steps = dict(
    model=dict(
        train_only=['decode_head.conv_seg.steps.{step}'],
        decode_head=dict(loss_aux=None)))
