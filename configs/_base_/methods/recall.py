# RECALL (Maracani et al., ICCV 2021): cross entropy; what is not labelled takes the label of the old
# model, or, in an image retrieved for an old class, that of the helper decoder of the class's step.
# After step 0 the head freezes the encoder.
# A config takes it over with decode_head=dict(**_base_.method). It also needs later_steps that bring in
# the retrieved images: web_root/<class name>/*, no labels. Half of the images are retrieved ones, as in
# the authors' program (interleave_ratio_old = interleave_ratio_new).
method = dict(
    type='RECALLHead',
    loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True))
custom_hooks = [dict(type='IncrementalStepHook')]
custom_imports = dict(imports=['mmseg_dkd'], allow_failed_imports=False)
