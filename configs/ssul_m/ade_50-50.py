# SSUL-M on ADE20K, 50-50, overlapped: SSUL with a replay memory of 300 images, half of every
# batch on average, with the labels of the steps that trained on them.
# Needs what configs/ssul/ade_100-50.py needs.
#   tools/dist_train.sh configs/ssul_m/ade_50-50.py 4
_base_ = '../ssul/ade_50-50.py'
memory = dict(size=300)
