# PLOP on PASCAL VOC 2012. Program: its thresholds, from which the published figures come. Void costs
# nothing and counts in the mean, which the paper leaves open.
_base_ = './plop.py'
method = dict(
    thresholds='program', loss_decode=dict(avg_non_ignore=False))
# --cfg-options preset=paper: the paper's thresholds.
presets = dict(
    paper=dict(model=dict(decode_head=dict(thresholds='median'))))
