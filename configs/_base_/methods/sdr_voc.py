# SDR on PASCAL VOC 2012. Program: void is unknown, which the paper leaves open.
_base_ = './sdr.py'
method = dict(void='unknown')
