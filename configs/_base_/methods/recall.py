# RECALL (Maracani et al., ICCV 2021): cross entropy; what is not labelled takes the label of the old
# model, or, in an image retrieved for an old class, that of the helper decoder of the class's step.
# After step 0 the head freezes the encoder.
# A config takes it over with decode_head=dict(_base_.method, ...) and
# later_steps=dict(train_dataloader=dict(dataset=_base_.retrieved)).
method = dict(
    type='RECALLHead',
    loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True))
# Brings in the retrieved images, web_root/<class name>/*, without labels: half of all images.
retrieved = dict(
    type='RetrievedReplay', web_root='data/recall', share=0.5)
custom_hooks = [dict(type='IncrementalStepHook')]
