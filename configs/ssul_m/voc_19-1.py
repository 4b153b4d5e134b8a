# SSUL-M on PASCAL VOC 2012, 19-1, overlapped: SSUL with a replay memory of 100 images, half of every
# batch on average, with the labels of the steps that trained on them.
# Needs what configs/ssul/voc_15-5.py needs.
#   tools/dist_train.sh configs/ssul_m/voc_19-1.py 4
_base_ = '../ssul/voc_19-1.py'
memory = dict(size=100)
