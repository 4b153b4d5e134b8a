# SSUL (Cha et al., NeurIPS 2021): a sigmoid per class, an unknown class within the background, pseudo
# labels of old classes where the old model is at least 0.7 sure (the authors' commands).
# A config takes it over with decode_head=dict(_base_.method, ...) and
# later_steps=dict(model=_base_.later_model).
method = dict(
    type='SSULHead',
    # Salient pixels without a label are unknown; 'unlabelled': all pixels without a label.
    unknown='salient',
    pseudo_threshold=0.7,
    loss_decode=dict(_delete_=True, type='MultiBCELoss', void='ignored'))
# Maps of where something is salient, for the data's pipeline: behind LoadAnnotations.
load_saliency = dict(
    type='LoadSaliency',
    folder='data/VOCdevkit/VOC2012/saliency_map',
    # For maps of nothing but 0 and 255. For a detector's scores, from 0 to 255: 127.
    threshold=0)
# Everything is frozen but the new group of classes, the unknown and the background.
later_model = dict(
    train_only=[
        'decode_head.conv_seg.unknown', 'decode_head.conv_seg.background',
        'decode_head.conv_seg.steps.{step}'
    ],
    # Every BatchNorm is in eval mode, its affine not trained; those of these three as well. That of
    # the new group has what the unknown's has learned.
    freeze_norm=True)
custom_hooks = [dict(type='IncrementalStepHook'), dict(type='SaliencyHook')]
