# DKD-M that also learns from the labels of old classes in the memory: Eq. 3 for the classes of the
# steps that trained on an image, with the gamma of later steps.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/dkd_m_labels/fashion_4-2.py
_base_ = '../dkd_m/fashion_4-2.py'
model = dict(decode_head=dict(loss_replay=dict(type='ReplayLoss', pos_weight=6.0)))
