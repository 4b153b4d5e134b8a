# DKD on ADE20K, 100-10, overlapped, with mmseg's own PSPNet on ResNet-50 (auxiliary head included;
# DKD's recipe; six steps). Needs data/ade/ADEChallengeData2016 as mmseg lays it out; the ImageNet
# weights of ResNet-50 are downloaded on first use. For 4 GPUs; batch_size in train_dataloader is per
# GPU.
#   tools/dist_train.sh configs/dkd/ade_100-10_pspnet-r50-d8.py 4
_base_ = [
    '../_base_/models/dkd_pspnet-r50-d8.py', '../_base_/datasets/ade20k_512.py',
    '../_base_/schedules/ade_100e.py', '../_base_/default_runtime.py'
]
scenario = dict(name='100-10', num_classes=150, has_background=False)
head = dict(
    num_classes=150, scenario=scenario, loss_decode=dict(pos_weight=35.0))
model = dict(decode_head=head, auxiliary_head=head)
train_dataloader = dict(dataset=dict(scenario=scenario))
test_dataloader = dict(dataset=dict(scenario=scenario))
log_processor = dict(by_epoch=True)
randomness = dict(seed=0)
