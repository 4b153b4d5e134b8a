# DKD on ADE20K. Paper: gamma is 35 at every step.
_base_ = './dkd.py'
method = dict(loss_decode=dict(pos_weight=35.0))
auxiliary_method = dict(loss_decode=dict(pos_weight=35.0))
