# What every incremental config shares: mmseg's default_runtime.py, the package itself, a fixed seed.
# log_processor is in the schedule, which knows whether it counts epochs or iterations.
custom_imports = dict(imports=['mmseg_dkd'], allow_failed_imports=False)
default_scope = 'mmseg'
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(
    type='SegLocalVisualizer', vis_backends=vis_backends, name='visualizer')
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=0)
# --tta: its predictions are those of the incremental head.
tta_model = dict(type='IncrementalTTAModel')
