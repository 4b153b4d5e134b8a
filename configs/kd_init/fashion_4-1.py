# The third row of Table 3: mBCE and KD, new classifiers from the auxiliary one, no DKD.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/kd_init/fashion_4-1.py
_base_ = '../dkd/fashion_4-1.py'
model = dict(decode_head=dict(loss_dkd=None))
