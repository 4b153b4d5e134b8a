# The frozen baseline on ADE20K, 100-10, overlapped: backbone, head and old classifiers frozen, only
# new classifiers learn, by mBCE. Reported as competitive by later work (RevisitingCSS). DKD's recipe.
# The auxiliary classifier is trained in step 0 and not used: step 0 is the same as DKD's. Needs what
# configs/dkd/ade_100-50.py needs.
#   tools/dist_train.sh configs/frozen/ade_100-10.py 4
_base_ = [
    '../_base_/models/deeplabv3_r101-d16_official.py',
    '../_base_/datasets/ade_100-10.py',
    '../_base_/schedules/dkd_ade_100e.py',
    '../_base_/methods/dkd_ade.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(
        _base_.method,
        num_classes=150,
        scenario=_base_.scenario,
        init='random',
        loss_kd=None,
        loss_dkd=None))
later_steps = dict(
    model=dict(
        train_only=['decode_head.conv_seg.steps.{step}'],
        decode_head=dict(loss_aux=None)))
