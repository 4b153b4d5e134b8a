# DKD on ADE20K, 100-10, overlapped, with mmseg's own SegFormer-B2 (DKD's recipe with AdamW; six
# steps). Needs data/ade/ADEChallengeData2016 as mmseg lays it out; the ImageNet weights of MiT-B2
# are downloaded on first use. For 4 GPUs; batch_size in train_dataloader is per GPU.
#   tools/dist_train.sh configs/dkd/ade_100-10_segformer-b2.py 4
_base_ = [
    '../_base_/models/segformer_mit-b2_incremental.py',
    '../_base_/datasets/ade_100-10.py',
    '../_base_/schedules/dkd_ade_100e_adamw.py',
    '../_base_/methods/dkd_ade.py',
    '../_base_/incremental_runtime.py',
]
model = dict(
    decode_head=dict(_base_.method, num_classes=150, scenario=_base_.scenario))
