# DKD-M on PASCAL VOC 2012, 19-1, disjoint: DKD with a replay memory of 100 images.
# Needs what configs/dkd/voc_15-5.py needs.
#   tools/dist_train.sh configs/dkd_m/voc_19-1_disjoint.py 4
_base_ = '../dkd/voc_19-1_disjoint.py'
memory = dict(size=100)
