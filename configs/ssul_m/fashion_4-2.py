# SSUL-M on the embedded demo set: SSUL with a replay memory of 24 images, half of every batch on
# average, with the labels of the steps that trained on them.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/ssul_m/fashion_4-2.py
_base_ = '../ssul/fashion_4-2.py'
memory = dict(size=24)
