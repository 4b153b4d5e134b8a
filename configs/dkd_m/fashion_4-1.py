# DKD-M on the embedded demo set: DKD with a replay memory of 24 images, as in the authors' program:
# images of the memory are negatives of the new classes, and what KD and DKD make of them.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/dkd_m/fashion_4-1.py
_base_ = '../dkd/fashion_4-1.py'
memory = dict(size=24)
