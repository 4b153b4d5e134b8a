# DKD-M on PASCAL VOC 2012, 10-1, overlapped: DKD with a replay memory of 100 images.
# Needs what configs/dkd/voc_15-5.py needs.
#   tools/dist_train.sh configs/dkd_m/voc_10-1.py 4
_base_ = '../dkd/voc_10-1.py'
memory = dict(size=100)
