# DKD-M on ADE20K, 50-50, overlapped: DKD with a replay memory of 300 images.
# Needs what configs/dkd/ade_100-50.py needs.
#   tools/dist_train.sh configs/dkd_m/ade_50-50.py 4
_base_ = '../dkd/ade_50-50.py'
memory = dict(size=300)
