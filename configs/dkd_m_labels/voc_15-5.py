# DKD-M that also learns from the labels of old classes in the memory: Eq. 3 for the classes of the
# steps that trained on an image, with the gamma of later steps.
# Needs what configs/dkd/voc_15-5.py needs.
#   tools/dist_train.sh configs/dkd_m_labels/voc_15-5.py 4
_base_ = '../dkd_m/voc_15-5.py'
model = dict(decode_head=dict(loss_replay=dict(type='ReplayLoss')))
