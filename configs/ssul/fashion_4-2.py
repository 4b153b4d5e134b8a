# SSUL on the embedded demo set: 4 classes, then 2, then 2 (three steps). Without saliency maps: every
# pixel without a label is unknown.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/ssul/fashion_4-2.py
_base_ = [
    '../_base_/tasks/fashion_4-2.py', '../_base_/schedules/fashion.py',
    '../_base_/methods/ssul.py'
]
model = dict(
    decode_head=dict(
        loss_decode=dict(type='MultiBCELoss', void='ignored'),
        **dict(_base_.method, unknown='unlabelled')))
later_steps = dict(
    model=_base_.later_model,
    optim_wrapper=dict(
        paramwise_cfg=dict(
            custom_keys={
                # 1e-4 of the new classes', which is ten times the schedule's.
                'decode_head.conv_seg.background': dict(lr_mult=1e-3)
            })))
