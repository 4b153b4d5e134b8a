# DKD: all terms of Eq. 1, new classifiers from the auxiliary one (Eq. 11).
# A config takes it over with decode_head=dict(**_base_.method).
method = dict(
    type='DKDHead',
    init='auxiliary',
    loss_kd=dict(type='BinaryKDLoss', loss_weight=5.0),
    loss_dkd=dict(type='DecomposedKDLoss', loss_weight=5.0),
    loss_aux=dict(type='AuxiliaryLoss', loss_weight=1.0))
custom_hooks = [dict(type='IncrementalStepHook')]
custom_imports = dict(imports=['mmseg_dkd'], allow_failed_imports=False)
