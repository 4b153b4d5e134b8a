# SDR on ADE20K, 100-50, overlapped: 100 classes, then 50 (two steps). The network of the DKD
# authors. Needs what configs/dkd/ade_100-50.py needs. For 4 GPUs; batch_size is per GPU.
#   tools/dist_train.sh configs/sdr/ade_100-50.py 4
_base_ = [
    '../_base_/tasks/ade_100-50.py', '../_base_/schedules/ade_60e_sdr.py',
    '../_base_/methods/sdr.py'
]
model = dict(decode_head=_base_.method)
train_dataloader = dict(batch_size=1)
