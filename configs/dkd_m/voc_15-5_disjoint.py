# DKD-M on PASCAL VOC 2012, 15-5, disjoint: DKD with a replay memory of 100 images.
# Needs what configs/dkd/voc_15-5.py needs.
#   tools/dist_train.sh configs/dkd_m/voc_15-5_disjoint.py 4
_base_ = '../dkd/voc_15-5_disjoint.py'
memory = dict(size=100)
