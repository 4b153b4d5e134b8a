# RCIL on PASCAL VOC 2012. Program: void costs nothing, and counts in the mean; the paper leaves it
# open.
_base_ = './rcil.py'
method = dict(loss_decode=dict(avg_non_ignore=False))
