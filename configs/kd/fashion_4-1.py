# mBCE + KD only, the first row of Table 3: no DKD, new classifiers at random.
# The auxiliary classifier is trained beside and not used: step 0 is the same in every row.
#   python tools/prepare_demo.py
#   python tools/incremental_train.py configs/kd/fashion_4-1.py
_base_ = '../dkd/fashion_4-1.py'
model = dict(decode_head=dict(init='random', loss_dkd=None))
