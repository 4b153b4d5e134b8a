# SSUL on ADE20K, 100-50, overlapped: 100 classes, then 50 (two steps). The network of the SSUL
# authors. Needs what configs/dkd/ade_100-50.py needs. As in the paper every pixel without a label is
# unknown. Crop and epoch as in voc_15-5.py. For 4 GPUs; batch_size is per GPU.
#   tools/dist_train.sh configs/ssul/ade_100-50.py 4
_base_ = [
    '../_base_/tasks/ade_100-50.py', '../_base_/schedules/ade_100e_ssul.py',
    '../_base_/methods/ssul.py'
]
model = dict(
    decode_head=dict(
        base_type='ProjectedASPPHead',
        loss_decode=dict(_delete_=True, type='MultiBCELoss', void='ignored'),
        **dict(_base_.method, unknown='unlabelled')))
train_dataloader = dict(batch_size=6)
later_steps = dict(model=_base_.later_model)
