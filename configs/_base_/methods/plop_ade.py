# PLOP on ADE20K: weights of local POD (the authors' scripts). The paper's thresholds:
# thresholds='median'.
_base_ = './plop.py'
method = dict(pod_factor=1e-3, pod_logits_factor=1e-5, thresholds='program')
