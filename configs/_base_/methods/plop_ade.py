# PLOP on ADE20K: weights of local POD (the authors' scripts). Program: its thresholds, from which the
# published figures come.
_base_ = './plop.py'
method = dict(pod_factor=1e-3, pod_logits_factor=1e-5, thresholds='program')
# --cfg-options preset=paper: the paper's thresholds.
presets = dict(
    paper=dict(model=dict(decode_head=dict(thresholds='median'))))
