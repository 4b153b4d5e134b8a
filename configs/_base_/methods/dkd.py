# DKD: all terms of Eq. 1, new classifiers from the auxiliary one (Eq. 11).
# A config takes it over with decode_head=dict(_base_.method, ...).
method = dict(
    type='DKDHead',
    init='auxiliary',
    # Paper: gamma is 2 at step 0 on VOC. That of later steps is in the schedule.
    loss_decode=dict(_delete_=True, type='MultiBCELoss', pos_weight=2.0),
    loss_kd=dict(type='BinaryKDLoss', loss_weight=5.0),
    loss_dkd=dict(type='DecomposedKDLoss', loss_weight=5.0),
    loss_aux=dict(type='AuxiliaryLoss', loss_weight=1.0))
# For networks with mmseg's auxiliary head: an incremental head of its own, with mBCE and KD at 0.4 of
# the decode head's weights, as mmseg weighs it. It is not used for prediction, so it has neither DKD's
# reasoning nor its initialisation.
# A config takes it over with auxiliary_head=dict(_base_.auxiliary_method, ...).
auxiliary_method = dict(
    type='DKDHead',
    init='random',
    loss_decode=dict(
        _delete_=True, type='MultiBCELoss', loss_weight=0.4, pos_weight=2.0),
    loss_kd=dict(type='BinaryKDLoss', loss_weight=2.0))
custom_hooks = [dict(type='IncrementalStepHook')]
