# DKD for networks with mmseg's auxiliary head: an incremental head of its own, with mBCE and KD at 0.4
# of the decode head's weights, as mmseg weighs it. It is not used for prediction, so it has
# neither DKD's reasoning nor its initialisation.
# A config takes it over with auxiliary_head=dict(..., **_base_.auxiliary_method).
_base_ = './dkd.py'
auxiliary_method = dict(
    type='DKDHead',
    init='random',
    loss_decode=dict(_delete_=True, type='MultiBCELoss', loss_weight=0.4),
    loss_kd=dict(type='BinaryKDLoss', loss_weight=2.0))
