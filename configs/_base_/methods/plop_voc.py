# PLOP on PASCAL VOC 2012. The paper's thresholds: thresholds='median'. Program: void costs nothing,
# and counts in the mean, which the paper leaves open.
_base_ = './plop.py'
method = dict(
    thresholds='program', loss_decode=dict(avg_non_ignore=False))
