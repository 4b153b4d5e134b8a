# RCIL on ADE20K: weights of pooled cube distillation (the authors' program).
_base_ = './rcil.py'
method = dict(pckd_weight=5e-6, pckd_last_weight=5e-7)
