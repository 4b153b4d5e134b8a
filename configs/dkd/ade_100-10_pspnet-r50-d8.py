# DKD on ADE20K, 100-10, overlapped, with mmseg's own PSPNet on ResNet-50 (auxiliary head included;
# DKD's recipe; six steps). Needs data/ade/ADEChallengeData2016 as mmseg lays it out; the ImageNet
# weights of ResNet-50 are downloaded on first use. For 4 GPUs; batch_size in train_dataloader is per
# GPU.
#   tools/dist_train.sh configs/dkd/ade_100-10_pspnet-r50-d8.py 4
_base_ = [
    '../_base_/models/pspnet_r50-d8_incremental.py',
    '../_base_/datasets/ade_100-10.py',
    '../_base_/schedules/dkd_ade_100e.py',
    '../_base_/methods/dkd_ade.py',
    '../_base_/incremental_runtime.py',
]
head = dict(num_classes=150, scenario=_base_.scenario)
model = dict(
    decode_head=dict(_base_.method, **head),
    auxiliary_head=dict(_base_.auxiliary_method, **head))
